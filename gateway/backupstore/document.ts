/** Fields of Longhorn's small JSON documents. Pure. */

import { BackupConfigError } from './backup-config';

export type Fields = Readonly<Record<string, unknown>>;

/** Throws `BackupConfigError` for what is not one JSON object. */
export function parseDocument(bytes: Buffer): Fields {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new BackupConfigError('the document is not JSON', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BackupConfigError('the document is not a JSON object');
  return value as Fields;
}

/** Empty where the field is missing. Throws `BackupConfigError`. */
export function readText(fields: Fields, name: string): string {
  const value = fields[name] ?? '';
  if (typeof value !== 'string') throw new BackupConfigError(`${name} is not a string`);
  return value;
}

/** A number that Go wrote as a string. Throws `BackupConfigError` unless it is whole and below 2^53. */
export function readNumber(fields: Fields, name: string): number {
  const value = Number(/^\d{1,16}$/.exec(readText(fields, name))?.[0]);
  if (!Number.isSafeInteger(value)) throw new BackupConfigError(`${name} is not a whole number`);
  return value;
}
