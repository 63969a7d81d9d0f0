/** `expect.stringContaining`, typed as what it stands for. */
export function containing(text: string): string {
  return expect.stringContaining(text) as string;
}

/** `expect.stringMatching`, typed as what it stands for. */
export function matching(pattern: RegExp): string {
  return expect.stringMatching(pattern) as string;
}
