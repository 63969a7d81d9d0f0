/** Loaded into a process that is measured: writes the most memory that it had resident, in MiB, to the file of LONGHAUL_PEAK_MEMORY. */
import { writeFileSync } from 'node:fs';

const file = process.env['LONGHAUL_PEAK_MEMORY'];
if (file !== undefined)
  process.on('exit', () => writeFileSync(file, String(Math.round(process.resourceUsage().maxRSS / 1024))));
