/** Why a file is refused: one table per error, so that reason and message cannot drift apart. FORMAT.md says which damage yields which. */

const FORMAT_REASONS = {
  'not-sealed': 'does not begin like a sealed object',
  'unknown-version': 'has a format version that this reader does not know',
  'unknown-suite': 'has a cipher suite that this reader does not know',
  'unknown-flags': 'has flags that this reader does not know',
  'segment-size': 'has a segment size out of bounds',
  size: 'claims a plaintext size out of bounds',
  reserved: 'has reserved bytes that are not zero',
} as const;

const INTEGRITY_REASONS = {
  'unknown-key': 'is sealed with a key that is not in the keyring',
  header: 'has a header that does not authenticate: damaged, or the file of another object',
  segment: 'has a segment that does not authenticate',
  metadata: 'has metadata that does not authenticate',
  footer: 'does not end in the footer that belongs to it',
  truncated: 'is shorter than its header and footer say',
  extended: 'is longer than its header and footer say',
} as const;

export type FormatReason = keyof typeof FORMAT_REASONS;
export type IntegrityReason = keyof typeof INTEGRITY_REASONS;

/** The bytes are not a sealed object of a version that this reader knows. Found without any key. */
export class FormatError extends Error {
  override readonly name = 'FormatError';

  constructor(
    readonly reason: FormatReason,
    detail?: string,
  ) {
    super(sentence(FORMAT_REASONS[reason], detail));
  }
}

/** The bytes are a sealed object, but not the whole and unchanged one that was asked for, or its key is missing. */
export class IntegrityError extends Error {
  override readonly name = 'IntegrityError';

  constructor(
    readonly reason: IntegrityReason,
    detail?: string,
  ) {
    super(sentence(INTEGRITY_REASONS[reason], detail));
  }
}

function sentence(text: string, detail: string | undefined): string {
  return detail === undefined ? `The file ${text}.` : `The file ${text} (${detail}).`;
}
