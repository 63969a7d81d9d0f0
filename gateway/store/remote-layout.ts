/** Where everything of one gateway lies below its FTP root. Objects beside the gateway's own directory, which no bucket can be named like. */

import type { ObjectRef } from './object-store';
import { directoryPath, objectPath } from './remote-path';

const OWN_DIRECTORY = '_longhaul';
/** Not a mark that names are made with, so that no object has such a name. */
const ASIDE_MARK = '%a';

export class RemoteLayout {
  readonly #prefix: string;
  /** The gateway's own directory. */
  readonly own: string;
  /** Where multipart uploads keep their parts, one directory each. */
  readonly uploads: string;
  /** Where deleted and replaced files rest. */
  readonly trash: string;

  /** @param root absolute path of the FTP root */
  constructor(readonly root: string) {
    this.#prefix = root === '/' ? '' : root;
    this.own = `${this.#prefix}/${OWN_DIRECTORY}`;
    this.uploads = `${this.own}/uploads`;
    this.trash = `${this.own}/trash`;
  }

  bucket(name: string): string {
    return `${this.#prefix}/${name}`;
  }

  object({ bucket, key }: ObjectRef): string {
    return `${this.#prefix}/${objectPath(bucket, key)}`;
  }

  /** The directory of a key prefix, given as its segments. */
  directory(bucket: string, segments: readonly string[]): string {
    return `${this.#prefix}/${directoryPath(bucket, segments)}`;
  }

  /** Where the old object waits while a server that does not replace on rename is served. */
  aside(path: string): string {
    return path + ASIDE_MARK;
  }

  /** The object's path if this is the path of an aside. */
  fromAside(path: string): string | undefined {
    return path.endsWith(ASIDE_MARK) ? path.slice(0, -ASIDE_MARK.length) : undefined;
  }

  uploadDirectory(uploadId: string): string {
    return `${this.uploads}/${uploadId}`;
  }

  part(uploadId: string, file: string): string {
    return `${this.uploadDirectory(uploadId)}/${file}`;
  }
}
