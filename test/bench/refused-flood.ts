/** The refused side of the bench `refused`, as a process of its own, so that it does not hold up the good side. REFUSED_FLOOD has its options. */
import { sendRefused, type RefusedLoadOptions } from '../support/refused-load';

async function main(): Promise<void> {
  const options = JSON.parse(process.env['REFUSED_FLOOD'] ?? '') as RefusedLoadOptions;
  process.stdout.write(JSON.stringify(await sendRefused(options)));
}

void main();
