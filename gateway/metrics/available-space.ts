/** Asks the FTP server now and then how much the account may still store. */
import type { RemoteTree } from '../ftp/remote-tree';

const INTERVAL_MS = 5 * 60 * 1000;
/** It is only a figure: nothing waits for it, and a server in trouble is not asked again and again. */
const DEADLINE_MS = 30_000;

export class AvailableSpace {
  /** As last heard; undefined where the server does not tell. */
  bytes: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly tree: RemoteTree,
    private readonly directory: string,
  ) {}

  /** Looks now, and every 5 min until `stop`. */
  start(): void {
    void this.look();
    this.#timer = setInterval(() => void this.look(), INTERVAL_MS).unref();
  }

  async look(): Promise<void> {
    // What was true before a failure is not known to be true after it.
    this.bytes = await this.tree
      .availableBytes(this.directory, { deadlineMs: DEADLINE_MS })
      .catch(() => undefined);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
