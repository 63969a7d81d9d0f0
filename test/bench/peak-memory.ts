/**
 * Loaded into a process that is measured: writes the most memory that it had resident, in MiB, to the file of LONGHAUL_PEAK_MEMORY. From
 * Linux's /proc, since `maxRSS` counts what the process that started it had, too.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const file = process.env['LONGHAUL_PEAK_MEMORY'];
if (file !== undefined)
  process.on('exit', () => {
    const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    writeFileSync(file, String(Math.round(Number(kib) / 1024)));
  });
