/** What Apache-2.0 code may be shipped with, each with no more than its notice. */
export const SHIPPED_LICENCES: readonly string[] = [
  ...['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'Unlicense'],
];
