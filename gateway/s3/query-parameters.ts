/** Typed query parameters. */
import { S3Error } from '../errors';
import type { Query } from './request-target';

/** S3's largest page of keys, uploads or parts, and its default. */
export const MAX_PAGE = 1_000;

/** A whole number from 0, at most `limit`: a larger one counts as `limit`, as in S3. Throws `InvalidArgument`. */
export function pageSize(query: Query, name: string, limit = MAX_PAGE): number {
  const text = query.get(name) ?? '';
  if (text === '') return limit;
  if (!/^\d{1,10}$/.test(text) || Number(text) > 0x7fffffff) {
    throw invalidArgument(name, text, `Argument ${name} must be an integer between 0 and 2147483647.`);
  }
  return Math.min(Number(text), limit);
}

/** A whole number in a range. Throws `InvalidArgument`. */
export function integerIn(query: Query, name: string, min: number, max: number): number {
  const text = query.get(name) ?? '';
  if (!/^\d{1,10}$/.test(text) || Number(text) < min || Number(text) > max) {
    throw invalidArgument(
      name,
      text,
      `Argument ${name} must be an integer between ${min} and ${max}, inclusive.`,
    );
  }
  return Number(text);
}

/** Throws `InvalidArgument` for any version but the only one an object has: versioning is not there. */
export function checkVersionId(query: Query): void {
  const versionId = query.get('versionId');
  if (versionId === undefined || versionId === NULL_VERSION) return;
  throw invalidArgument('versionId', versionId, 'Invalid version id specified.');
}

/** The version id of every object in a bucket without versioning. */
export const NULL_VERSION = 'null';

export function invalidArgument(name: string, value: string, message: string): S3Error {
  return new S3Error('InvalidArgument', { message, details: { ArgumentName: name, ArgumentValue: value } });
}
