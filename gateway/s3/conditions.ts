/** Conditional requests: RFC 9110, section 13, as S3 applies it. */
import { S3Error } from '../errors';
import type { ObjectInfo, WriteCondition } from '../store/object-store';
import { parseHttpDate } from './http-date';

/** Request headers by lower-case name. */
export type Headers = Readonly<Record<string, string | undefined>>;

export type ReadVerdict = 'proceed' | 'not-modified';

type Version = Pick<ObjectInfo, 'etag' | 'lastModified'>;

/** What the conditions of a GET or HEAD say about the stored object. Throws `PreconditionFailed`. */
export function checkRead(headers: Headers, info: Version): ReadVerdict {
  const outcome = evaluate(headers, '', info);
  if (outcome.kind === 'failed') throw preconditionFailed(outcome.condition);
  return outcome.kind === 'not-modified' ? 'not-modified' : 'proceed';
}

/** The `x-amz-copy-source-if-*` conditions. Throws `PreconditionFailed`, also where a GET would answer 304. */
export function checkCopySource(headers: Headers, info: Version): void {
  const outcome = evaluate(headers, 'x-amz-copy-source-', info);
  if (outcome.kind !== 'holds') throw preconditionFailed(outcome.condition);
}

/** The condition of a write: If-Match and If-None-Match, each with ETags or `*`; undefined without either. */
export function writeCondition(headers: Headers): WriteCondition | undefined {
  const ifMatch = headers['if-match'];
  const ifNoneMatch = headers['if-none-match'];
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined;
  return (current) => {
    if (ifNoneMatch !== undefined && current && matches(ifNoneMatch, current.etag)) {
      throw preconditionFailed('If-None-Match');
    }
    if (ifMatch === undefined) return;
    if (!current) throw new S3Error('NoSuchKey');
    if (!matches(ifMatch, current.etag)) throw preconditionFailed('If-Match');
  };
}

type Outcome =
  { readonly kind: 'holds' } | { readonly kind: 'failed' | 'not-modified'; readonly condition: string };

function evaluate(headers: Headers, prefix: string, { etag, lastModified }: Version): Outcome {
  const ifMatch = headers[`${prefix}if-match`];
  const ifNoneMatch = headers[`${prefix}if-none-match`];
  const unmodifiedSince = parseHttpDate(headers[`${prefix}if-unmodified-since`]);
  const modifiedSince = parseHttpDate(headers[`${prefix}if-modified-since`]);
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, etag)) return { kind: 'failed', condition: 'If-Match' };
  } else if (unmodifiedSince !== undefined && lastModified > unmodifiedSince) {
    return { kind: 'failed', condition: 'If-Unmodified-Since' };
  }
  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, etag)) return { kind: 'not-modified', condition: 'If-None-Match' };
  } else if (modifiedSince !== undefined && lastModified <= modifiedSince) {
    return { kind: 'not-modified', condition: 'If-Modified-Since' };
  }
  return { kind: 'holds' };
}

/** Whether a list of entity tags, quoted or not as S3's clients send them, or `*` names this one. */
function matches(list: string, etag: string): boolean {
  return list.split(',').some((each) => {
    const tag = each.trim().replace(/^W\//, '');
    return tag === '*' || tag.replace(/^"(.*)"$/, '$1') === etag;
  });
}

function preconditionFailed(condition: string): S3Error {
  return new S3Error('PreconditionFailed', { details: { Condition: condition } });
}
