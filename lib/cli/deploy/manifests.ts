/** Reads the manifests that `cdk8s synth` wrote. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../kinds';
import { UsageError } from '../output';

export interface Manifest extends KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
}

/**
 * The objects of files and directories in order: paths as given, a directory's `*.yaml` by name, a file's documents from the top.
 * @throws UsageError for what cannot be read or is no manifest
 */
export function readManifests(paths: readonly string[]): Manifest[] {
  const manifests = paths.flatMap(filesOf).flatMap(readFile);
  if (manifests.length === 0)
    throw new UsageError(`There are no manifests in ${paths.join(', ')}: run \`npx cdk8s synth\` first.`);
  return manifests;
}

function filesOf(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path)
      .filter((file) => /\.ya?ml$/.test(file))
      .sort()
      .map((file) => join(path, file));
  } catch {
    throw new UsageError(
      `${path} cannot be read: run \`npx cdk8s synth\` first, or name the directory with the manifests.`,
    );
  }
}

function readFile(file: string): Manifest[] {
  return parseAllDocuments(readFileSync(file, 'utf8')).flatMap((document): Manifest[] => {
    const fault = document.errors[0];
    // The parser's message quotes the line, which may be a secret: the position has to do.
    if (fault)
      throw new UsageError(`${file} is no YAML (line ${fault.linePos?.[0].line ?? '?'}: ${fault.code}).`);
    const object = document.toJS() as Partial<Manifest> | null;
    if (object === null) return [];
    if (typeof object.apiVersion !== 'string' || typeof object.kind !== 'string' || !object.metadata?.name) {
      throw new UsageError(
        `${file} holds a document without apiVersion, kind or metadata.name: it is no manifest.`,
      );
    }
    return [withEncodedData(object as Manifest)];
  });
}

/**
 * A Secret's `stringData` as `data`. The server would do the same, but with server-side apply it then writes the Secret anew each time,
 * and pods that mount it would see an update that is none.
 */
function withEncodedData(manifest: Manifest): Manifest {
  const { stringData, ...rest } = manifest as SecretManifest;
  if (manifest.kind !== 'Secret' || stringData === undefined) return manifest;
  const encoded = Object.entries(stringData).map(
    ([key, text]) => [key, Buffer.from(text).toString('base64')] as const,
  );
  return { ...rest, data: { ...rest.data, ...Object.fromEntries(encoded) } } as SecretManifest;
}

interface SecretManifest extends Manifest {
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
}
