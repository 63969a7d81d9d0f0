/**
 * How a file is called while it lies in the trash: its name tells which version of which object it is, so that the FTP server alone is enough to bring
 * it back. Normative text in seal/FORMAT.md, "The trash".
 *
 *     <removed at, ms>-<modified at, s>[-<upload id>]_<bucket>/<key>
 *
 * with both times in base 36, as one segment of a key: escaped, and cut into directory levels where it is too long.
 */

import { objectNames, parseName } from './remote-path';

/** One version of an object that was deleted or replaced. */
export interface TrashedVersion {
  readonly bucket: string;
  readonly key: string;
  /** Milliseconds since the epoch; no two of one key are alike. */
  readonly removedAt: number;
  /** Last-Modified of the object: milliseconds since the epoch, whole seconds. */
  readonly modifiedAt: number;
  /** Of a multipart object, whose parts lie in the directory of that upload. */
  readonly upload?: string;
}

const NAME = /^([0-9a-z]{1,10})-([0-9a-z]{1,10})(?:-([0-9a-f]{32}))?_([^/]+)\/(.+)$/s;

/** The levels of the name: directories, if any, and then the file. */
export function trashNames({ bucket, key, removedAt, modifiedAt, upload }: TrashedVersion): string[] {
  const times = [removedAt.toString(36), Math.floor(modifiedAt / 1000).toString(36)];
  return objectNames(`${[...times, ...(upload === undefined ? [] : [upload])].join('-')}_${bucket}/${key}`);
}

/** Undefined for a file that nothing here puts there. */
export function parseTrashNames(levels: readonly string[]): TrashedVersion | undefined {
  const [, removedAt = '', seconds = '', upload, bucket, key] =
    NAME.exec(parseName(levels, false)?.segment ?? '') ?? [];
  if (bucket === undefined || key === undefined) return undefined;
  const modifiedAt = parseInt(seconds, 36) * 1000;
  return {
    bucket,
    key,
    removedAt: parseInt(removedAt, 36),
    modifiedAt,
    ...(upload !== undefined && { upload }),
  };
}
