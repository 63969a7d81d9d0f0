import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseOperation } from '../../gateway/s3/operation';
import { IMPLEMENTED } from '../../gateway/s3/operation-table';

const document = readFileSync(join(__dirname, '../../gateway/S3.md'), 'utf8');
const rows = [
  ...document.matchAll(/^\| (\w+) \| `(\w+) (\S+)`(?: with `(\S+)`)? \| (implemented|501|refused) \|/gm),
].map(([, name = '', method = '', target = '', header, answer = '']) => ({
  name,
  method,
  target,
  header,
  answer,
}));

const typeOf = ({ method, target, header }: (typeof rows)[number]): string => {
  try {
    return parseOperation({ method, target, headers: header ? { [header]: 'x' } : {} }).type;
  } catch {
    return 'refused';
  }
};

describe('the document S3.md', () => {
  it('has a row for every operation of the table, and for no other', () => {
    const implemented = rows.filter((row) => row.answer === 'implemented').map((row) => row.name);
    expect(implemented.sort()).toEqual(Object.keys(IMPLEMENTED).sort());
  });

  it('has each operation once', () => {
    const names = rows.map((row) => row.name);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(rows)('is right that $name is $answer', (row) => {
    const expected = { implemented: row.name, '501': 'NotImplemented', refused: 'refused' }[row.answer];
    expect(typeOf(row)).toBe(expected);
  });
});
