/** Makes a picture of what a command prints, for the README: `npm run -s demo | npx tsx test/docs/terminal-picture.ts "npm run demo" > docs/demo.svg`. */
import { readFileSync } from 'node:fs';

const LINE_HEIGHT = 16;
const CHARACTER_WIDTH = 7.3;
const PADDING = 14;
const COLUMNS = 110;

/** SVG without scripts or fonts of its own, so that every viewer shows it. */
function picture(command: string, output: string): string {
  const lines = [`$ ${command}`, ...output.trimEnd().split('\n')].map((line) =>
    line.length > COLUMNS ? `${line.slice(0, COLUMNS - 1)}…` : line,
  );
  const width = Math.ceil(COLUMNS * CHARACTER_WIDTH) + 2 * PADDING;
  const height = lines.length * LINE_HEIGHT + 2 * PADDING;
  const rows = lines.map((line, index) => {
    const colour = index === 0 ? ' fill="#7ee787"' : '';
    return `<text x="${PADDING}" y="${PADDING + 12 + index * LINE_HEIGHT}"${colour}>${escape(line)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(command)}">`,
    `<rect width="100%" height="100%" rx="8" fill="#0d1117"/>`,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="12" fill="#e6edf3" xml:space="preserve">`,
    ...rows,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

process.stdout.write(picture(process.argv[2] ?? '', readFileSync(0, 'utf8')));
