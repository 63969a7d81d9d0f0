/** Checks the form of `longhaul.yaml`: fields and types. What the values mean is for the constructs to judge. */
import Ajv, { type ErrorObject } from 'ajv';
import { didYouMean } from '../nearest-name';
import { problem, type Problem } from '../problems';
import { ANSIBLE_VARIABLES } from './ansible-variables';
import schema from './schema.json';
import type { Settings } from './settings';
import { formatPath, type DocumentPath, type YamlFile } from './yaml-file';

const validate = new Ajv({ allErrors: true, verbose: true }).compile<Settings>(schema);

export function checkSettings(file: YamlFile): Problem[] {
  const { value } = file;
  if (validate(value)) return [];
  return (validate.errors ?? []).map((error) => describe(file, error));
}

function describe(file: YamlFile, error: ErrorObject): Problem {
  const path = pathOf(error, file.value);
  const prop = formatPath(path);
  const { keyword, data, parentSchema } = error;
  switch (keyword) {
    case 'additionalProperties': {
      const { additionalProperty: key } = error.params as { additionalProperty: string };
      const known = Object.keys((parentSchema as { properties?: object }).properties ?? {});
      // No value: it may be a password in the wrong file.
      return file.problemAtKey(
        path,
        key,
        problem(formatPath([...path, key]), undefined, unknown(key, known)),
      );
    }
    case 'required': {
      const { missingProperty } = error.params as { missingProperty: string };
      return file.problemAt(path, problem(prop, undefined, `\`${missingProperty}\` is missing`));
    }
    case 'enum': {
      const { allowedValues } = error.params as { allowedValues: readonly string[] };
      return file.problemAt(path, problem(prop, data, `expected one of ${allowedValues.join(', ')}`));
    }
    case 'type': {
      const { type } = error.params as { type: string };
      return file.problemAt(path, problem(prop, data, expectedType(type, data)));
    }
    default:
      return file.problemAt(path, problem(prop, data, error.message ?? keyword));
  }
}

function unknown(key: string, known: readonly string[]): string {
  const place = ANSIBLE_VARIABLES[key];
  if (place !== undefined) return `is a variable of the Ansible role; it belongs into ${place}`;
  return `is no field here${didYouMean(key, known) || `: there are ${known.join(', ')}`}`;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'fields',
};

function expectedType(type: string, data: unknown): string {
  const expected = `expected ${TYPES[type] ?? type}`;
  return type === 'string' && typeof data !== 'object' ? `${expected}: put it in quotes` : expected;
}

/** ajv's JSON pointer as keys and indexes. */
function pathOf({ instancePath }: ErrorObject, value: unknown): DocumentPath {
  const path: (string | number)[] = [];
  let at = value;
  for (const encoded of instancePath.split('/').slice(1)) {
    const key = encoded.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(at) ? Number(key) : key);
    at = (at as Record<string, unknown>)[key];
  }
  return path;
}
