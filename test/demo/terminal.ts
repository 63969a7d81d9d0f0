/** What the demo prints: lines, a progress line that redraws itself on a terminal, tables and hexdumps. */

const BAR_WIDTH = 28;
/** Away from a terminal, progress is told at every quarter only. */
const QUIET_STEPS = 4;

export class Terminal {
  private lastStep = 0;

  constructor(private readonly output: NodeJS.WriteStream) {}

  line(text = ''): void {
    this.output.write(`${text}\n`);
  }

  progress(label: string, done: number, total: number): void {
    const counted = `${done}/${total} blocks`;
    if (this.output.isTTY) {
      const filled = Math.round((done / total) * BAR_WIDTH);
      const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
      this.output.write(`\r  ${label.padEnd(20)} ${bar} ${counted.padEnd(16)}`);
      if (done === total) this.output.write('\n');
      return;
    }
    const step = Math.floor((done / total) * QUIET_STEPS);
    if (step !== this.lastStep && step > 0) this.line(`  ${label.padEnd(20)} ${counted}`);
    this.lastStep = step % QUIET_STEPS;
  }
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const [value, unit] = bytes < 1024 * 1024 ? [bytes / 1024, 'KiB'] : [bytes / (1024 * 1024), 'MiB'];
  return `${value.toFixed(1)} ${unit}`;
}

export function formatSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

export function formatRate(bytes: number, milliseconds: number): string {
  return milliseconds > 0 ? `${formatBytes((bytes * 1000) / milliseconds)}/s` : '';
}

/** Columns as wide as they need; the first is aligned left, the others right. */
export function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('   '),
  );
}

/** As `hexdump -C` shows it. */
export function hexdump(bytes: Buffer): string[] {
  const lines: string[] = [];
  for (let start = 0; start < bytes.length; start += 16) {
    const row = bytes.subarray(start, start + 16);
    const hex = [...row].map((byte) => byte.toString(16).padStart(2, '0'));
    const halves = `${hex.slice(0, 8).join(' ').padEnd(23)}  ${hex.slice(8).join(' ').padEnd(23)}`;
    const text = [...row].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'));
    lines.push(`${start.toString(16).padStart(8, '0')}  ${halves}  |${text.join('')}|`);
  }
  return lines;
}
