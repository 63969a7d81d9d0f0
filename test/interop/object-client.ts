/** What every S3 client is asked to do, whatever its own way of doing it. */
import type { S3Target } from '../support/s3';

export interface ObjectClient {
  /** Uploads in one request. */
  put(key: string, file: string): Promise<void>;
  /** Uploads a file of more than 5 MiB in parts. */
  putInParts(key: string, file: string): Promise<void>;
  get(key: string, file: string): Promise<void>;
  /** Bytes from `start` to the end. `scratch` is a file that it may use. */
  getFrom(key: string, start: number, scratch: string): Promise<Buffer>;
  /** Keys that start with `prefix`, which ends in `/`. */
  list(prefix: string): Promise<string[]>;
  delete(key: string): Promise<void>;
}

/** A client by name: the program that it needs, and how to set it up in a directory of its own. */
export interface ClientKind {
  readonly name: string;
  /** Absent for a library. */
  readonly program?: string;
  create(target: S3Target, directory: string, program: string): ObjectClient;
}
