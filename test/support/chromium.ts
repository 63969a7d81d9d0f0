/** Debian's Chromium, without a window, for the pages that people see. */
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const EXECUTABLE = '/usr/bin/chromium';

export const hasChromium = existsSync(EXECUTABLE);
if (!hasChromium && process.env['LONGHAUL_REQUIRE_CHROMIUM'])
  throw new Error(`LONGHAUL_REQUIRE_CHROMIUM is set, and there is no ${EXECUTABLE}`);

/** It runs as root in containers, where its sandbox cannot be had, and speaks to nobody but the page. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
