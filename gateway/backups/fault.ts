/** What is wrong with an object, as far as could be told. */

import { BackupConfigError } from '../backupstore/backup-config';
import { DamagedObjectError, SourceUnavailableError } from './source';

export interface Fault {
  /** `unknown`: it could not be found out; not the same as fine. */
  readonly kind: 'missing' | 'damaged' | 'unknown';
  /** For people. */
  readonly reason: string;
}

export const MISSING: Fault = { kind: 'missing', reason: 'It is missing.' };

export function isFault(value: unknown): value is Fault {
  return typeof value === 'object' && value !== null && 'kind' in value && 'reason' in value;
}

/** Runs `look`, and turns what the source and the documents say into a fault; other errors pass. */
export async function orFault<T>(look: () => Promise<T>): Promise<T | Fault> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof SourceUnavailableError) return { kind: 'unknown', reason: error.message };
    if (error instanceof DamagedObjectError) return { kind: 'damaged', reason: error.message };
    if (error instanceof BackupConfigError)
      return { kind: 'damaged', reason: `The document is not one of Longhorn's: ${error.message}.` };
    throw error;
  }
}
