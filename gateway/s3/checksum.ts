/** S3's checksums: how they are computed, and how a whole object's follows from its parts'. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { Crc64Nvme } from '@aws-sdk/crc64-nvme';
import { S3Error } from '../errors';
import type { Checksum, ChecksumAlgorithm } from '../store/object-store';
import {
  combineCrcs,
  CRC32_PARAMETERS,
  CRC32C_PARAMETERS,
  CRC64NVME_PARAMETERS,
  type CrcParameters,
} from './crc-combine';
import { crc32c } from './crc32c';

/** Takes in bytes, and tells their checksum. */
export interface ChecksumHasher {
  update(data: Buffer): void;
  /** Call it once, after the last `update`. */
  digest(): Promise<Buffer>;
}

interface AlgorithmTraits {
  /** Bytes. */
  readonly size: number;
  readonly hasher: () => ChecksumHasher;
  /** Absent where a whole's checksum does not follow from its parts'. */
  readonly crc?: CrcParameters;
  /** Whether S3 makes composite checksums with it. */
  readonly composite: boolean;
}

const ALGORITHMS: { readonly [A in ChecksumAlgorithm]: AlgorithmTraits } = {
  CRC32: { size: 4, hasher: () => crc32Hasher(crc32), crc: CRC32_PARAMETERS, composite: true },
  CRC32C: { size: 4, hasher: () => crc32Hasher(crc32c), crc: CRC32C_PARAMETERS, composite: true },
  CRC64NVME: { size: 8, hasher: crc64NvmeHasher, crc: CRC64NVME_PARAMETERS, composite: false },
  SHA1: { size: 20, hasher: () => cryptoHasher('sha1'), composite: true },
  SHA256: { size: 32, hasher: () => cryptoHasher('sha256'), composite: true },
};

export const CHECKSUM_ALGORITHMS = Object.keys(ALGORITHMS) as ChecksumAlgorithm[];

export function createChecksum(algorithm: ChecksumAlgorithm): ChecksumHasher {
  return ALGORITHMS[algorithm].hasher();
}

/** The header, or trailer, that carries a checksum's value. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** In any case: S3 takes `crc32` for `CRC32`. Undefined for an algorithm that is not there. */
export function parseChecksumAlgorithm(text: string): ChecksumAlgorithm | undefined {
  return CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === text.toUpperCase());
}

/** Whether this is the base64 of a value of the algorithm's size. */
export function isChecksumValue(algorithm: ChecksumAlgorithm, value: string): boolean {
  const bytes = Buffer.from(value, 'base64');
  return bytes.length === ALGORITHMS[algorithm].size && bytes.toString('base64') === value;
}

/** How S3 makes the checksum of a multipart object where the client does not say. */
export function defaultChecksumType(algorithm: ChecksumAlgorithm): Checksum['type'] {
  return ALGORITHMS[algorithm].composite ? 'COMPOSITE' : 'FULL_OBJECT';
}

/** Whether S3 has checksums of this type for multipart objects. */
export function isMultipartChecksum(algorithm: ChecksumAlgorithm, type: Checksum['type']): boolean {
  const { crc, composite } = ALGORITHMS[algorithm];
  return type === 'COMPOSITE' ? composite : crc !== undefined;
}

export interface ChecksummedPart {
  /** Base64. */
  readonly value: string;
  /** Bytes. */
  readonly size: number;
}

/** The checksum of an object made of these parts. Throws `InvalidRequest` where `isMultipartChecksum` is false. */
export async function multipartChecksum(
  algorithm: ChecksumAlgorithm,
  type: Checksum['type'],
  parts: readonly ChecksummedPart[],
): Promise<Checksum> {
  if (!isMultipartChecksum(algorithm, type)) {
    throw new S3Error('InvalidRequest', {
      message: `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    });
  }
  const value =
    type === 'COMPOSITE' ? await compositeValue(algorithm, parts) : fullObjectValue(algorithm, parts);
  return { algorithm, type, value };
}

/** The checksum of the parts' checksums, and their number. */
async function compositeValue(
  algorithm: ChecksumAlgorithm,
  parts: readonly ChecksummedPart[],
): Promise<string> {
  const hasher = createChecksum(algorithm);
  for (const { value } of parts) hasher.update(Buffer.from(value, 'base64'));
  return `${(await hasher.digest()).toString('base64')}-${parts.length}`;
}

function fullObjectValue(algorithm: ChecksumAlgorithm, parts: readonly ChecksummedPart[]): string {
  const { crc, size } = ALGORITHMS[algorithm];
  if (!crc) throw new TypeError(`${algorithm} checksums cannot be combined`);
  const crcs = parts.map((part) => ({
    crc: BigInt(`0x${Buffer.from(part.value, 'base64').toString('hex')}`),
    size: part.size,
  }));
  const combined = combineCrcs(crc, crcs).toString(16);
  return Buffer.from(combined.padStart(2 * size, '0'), 'hex').toString('base64');
}

function crc32Hasher(next: (data: Buffer, crc: number) => number): ChecksumHasher {
  let crc = 0;
  return {
    update(data) {
      crc = next(data, crc);
    },
    digest() {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(crc);
      return Promise.resolve(bytes);
    },
  };
}

function crc64NvmeHasher(): ChecksumHasher {
  const crc = new Crc64Nvme();
  return {
    update: (data) => crc.update(data),
    digest: async () => Buffer.from(await crc.digest()),
  };
}

function cryptoHasher(name: 'sha1' | 'sha256'): ChecksumHasher {
  const hash = createHash(name);
  return {
    update: (data) => void hash.update(data),
    digest: () => Promise.resolve(hash.digest()),
  };
}
