/** Work in the background lets clients go first. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { RemoteTree } from '../ftp/remote-tree';

/** How long it waits for clients that wait for a connection, in milliseconds. */
const LONGEST_MS = 2_000;
const STEP_MS = 20;

/** Resolves when no client waits for a connection, within reason; at once when `signal` is aborted. */
export async function giveWay(tree: RemoteTree, signal: AbortSignal): Promise<void> {
  for (let waited = 0; waited < LONGEST_MS && !signal.aborted; waited += STEP_MS) {
    if (tree.stats().connections.waiting === 0) return;
    await sleep(STEP_MS, undefined, { signal }).catch(() => undefined);
  }
}
