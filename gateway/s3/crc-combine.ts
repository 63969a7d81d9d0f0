/** The CRC of a whole from the CRCs of its parts, by arithmetic on polynomials over GF(2). */

/** A CRC whose input and output are reflected and inverted, as all of S3's are. */
export interface CrcParameters {
  readonly width: 32 | 64;
  /** Without its highest term, reflected: the highest bit stands for x^0. */
  readonly polynomial: bigint;
}

export const CRC32_PARAMETERS: CrcParameters = { width: 32, polynomial: 0xedb88320n };
export const CRC32C_PARAMETERS: CrcParameters = { width: 32, polynomial: 0x82f63b78n };
export const CRC64NVME_PARAMETERS: CrcParameters = { width: 64, polynomial: 0x9a6c9329ac4bc9b5n };

export interface CrcPart {
  readonly crc: bigint;
  /** Bytes. */
  readonly size: number;
}

/**
 * The CRC of all parts, one after another: each step moves what came before by the length of the next part,
 * a multiplication by x^(8 * size), and adds the part's own CRC.
 */
export function combineCrcs(parameters: CrcParameters, parts: readonly CrcPart[]): bigint {
  const shifts = new Map<number, bigint>();
  let combined = 0n;
  for (const { crc, size } of parts) {
    const shift = shifts.get(size) ?? powerOfX(parameters, 8n * BigInt(size));
    shifts.set(size, shift); // Parts mostly have one size.
    combined = multiply(parameters, shift, combined) ^ crc;
  }
  return combined;
}

/** x^exponent modulo the polynomial, by squaring. */
function powerOfX(parameters: CrcParameters, exponent: bigint): bigint {
  let power = one(parameters);
  let square = one(parameters) >> 1n;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) power = multiply(parameters, power, square);
    square = multiply(parameters, square, square);
  }
  return power;
}

function one({ width }: CrcParameters): bigint {
  return 1n << BigInt(width - 1);
}

/** a * b modulo the polynomial: Horner's rule, from a's x^0 on. */
function multiply(parameters: CrcParameters, a: bigint, b: bigint): bigint {
  let product = 0n;
  let term = b;
  for (let bit = one(parameters); bit > 0n; bit >>= 1n) {
    if (a & bit) product ^= term;
    term = (term >> 1n) ^ (term & 1n ? parameters.polynomial : 0n);
  }
  return product;
}
