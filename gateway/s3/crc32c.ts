/** CRC-32C (Castagnoli), eight bytes a step: several times as fast as the published libraries, which go byte by byte. */

/** Reflected. */
const POLYNOMIAL = 0x82f63b78;

/** Table k gives the effect of a byte with k bytes after it. */
const [T0, T1, T2, T3, T4, T5, T6, T7] = makeTables();

/** The CRC of what `crc` is the CRC of, followed by `data`. Start from 0. */
export function crc32c(data: Uint8Array, crc = 0): number {
  const whole = data.length - (data.length % 8);
  let state = ~crc;
  for (let i = 0; i < whole; i += 8) {
    state ^= at(data, i) | (at(data, i + 1) << 8) | (at(data, i + 2) << 16) | (at(data, i + 3) << 24);
    state =
      at(T7, state & 255) ^
      at(T6, (state >>> 8) & 255) ^
      at(T5, (state >>> 16) & 255) ^
      at(T4, state >>> 24) ^
      at(T3, at(data, i + 4)) ^
      at(T2, at(data, i + 5)) ^
      at(T1, at(data, i + 6)) ^
      at(T0, at(data, i + 7));
  }
  for (let i = whole; i < data.length; i += 1) state = (state >>> 8) ^ at(T0, (state ^ at(data, i)) & 255);
  return ~state >>> 0;
}

/** All indexes here are in range. */
function at(array: Uint8Array | Uint32Array, index: number): number {
  return array[index] as number;
}

function makeTables() {
  const table = () => new Uint32Array(256);
  const tables = [table(), table(), table(), table(), table(), table(), table(), table()] as const;
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (const each of tables) {
      for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
      each[byte] = crc;
    }
  }
  return tables;
}
