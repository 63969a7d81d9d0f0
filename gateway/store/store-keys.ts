/** What can be known and done about the keys of one FTP root: which depends on which, rotation, retirement. */

import type { Keyring } from '../seal/keyring';
import { takeCensus, type KeyUse } from './key-census';
import { PLAIN, type SealedBy } from './key-check';
import { KeyRetirement, type KeyRetirementOptions, type Objections } from './key-retirement';
import { KeyRotation, type KeyRotationOptions, type RotationStatus } from './key-rotation';
import { Resealer, type ResealerOptions } from './resealer';

export interface KeyReport extends KeyUse {
  /** A key id, or `plain` for files without seal. */
  readonly id: SealedBy;
  /** New objects are sealed with it, or are not sealed at all. */
  readonly writes: boolean;
  /** The gateway has it: what it sealed can be read. */
  readonly opens: boolean;
  /** Something below the FTP root may depend on it, as its mark there says: it must not be taken out of the configuration. */
  readonly inUse: boolean;
}

export interface KeysReport {
  readonly keys: readonly KeyReport[];
  /** All directories were compared with the FTP server, so that the counts are of all that is there. */
  readonly proved: boolean;
  /** Files in the place of objects that are no whole objects; not counted with any key. */
  readonly unreadable: number;
  readonly rotation: RotationStatus;
}

export type StoreKeysOptions = Omit<ResealerOptions, 'keyring'> &
  Omit<KeyRotationOptions, 'resealer' | 'writeKeyId' | 'completed'> &
  Omit<KeyRetirementOptions, 'writeKeyId'> & {
    /** Absent: nothing is sealed. */
    readonly keyring?: Keyring;
  };

const IDLE: RotationStatus = {
  state: 'idle',
  resealed: { objects: 0, bytes: 0 },
  left: { objects: 0, bytes: 0 },
  failed: 0,
  failures: [],
};
const NO_USE: KeyUse = { objects: 0, parts: 0, bytes: 0 };

export class StoreKeys {
  /** Absent where nothing is sealed. */
  readonly rotation: KeyRotation | undefined;
  readonly #retirement: KeyRetirement | undefined;

  get rotationStatus(): RotationStatus {
    return this.rotation?.status ?? IDLE;
  }

  constructor(private readonly options: StoreKeysOptions) {
    const { keyring, log } = options;
    if (!keyring) return;
    const { writeKeyId } = keyring;
    const retirement = new KeyRetirement({ ...options, writeKeyId });
    this.#retirement = retirement;
    this.rotation = new KeyRotation({
      ...options,
      writeKeyId,
      resealer: new Resealer({ ...options, keyring }),
      completed: async () => {
        if (!options.keyCheck.inUse.includes(PLAIN)) return;
        const objections = await retirement.retire(PLAIN);
        if (objections.length === 0) log.info('files without seal are refused from now on');
        else log.warn({ objections }, 'files without seal are still read');
      },
    });
  }

  async report(): Promise<KeysReport> {
    const { catalog, keyring, keyCheck } = this.options;
    const { uses, unreadable, unproved } = await takeCensus(catalog);
    const writeId = keyring?.writeKeyId ?? PLAIN;
    const ids = new Set([writeId, ...keyCheck.readable, ...keyCheck.inUse, ...uses.keys()]);
    return {
      keys: [...ids].map((id) => ({
        id,
        writes: id === writeId,
        opens: keyCheck.readable.includes(id),
        inUse: keyCheck.inUse.includes(id),
        ...(uses.get(id) ?? NO_USE),
      })),
      proved: unproved === 0,
      unreadable: unreadable.length,
      rotation: this.rotationStatus,
    };
  }

  /** Why the key stays; none: it is retired. Throws what looking at the FTP server throws. */
  async retire(id: SealedBy): Promise<Objections> {
    if (!this.#retirement) return ['no ENCRYPTION_KEY is set'];
    return this.#retirement.retire(id);
  }
}
