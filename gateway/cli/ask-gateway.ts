/** How a command talks to a running gateway. */
import { FailedError, UsageError } from '../../lib/cli/output';
import { Progress, type CommandHost } from '../../lib/cli/terminal';
import { AdminClient, AdminRefusedError, NotRunningError } from '../admin/client';
import { readCatalogDirectory } from '../config';
import { ConfigError } from '../config-error';

/** Runs `ask` against the gateway that `CATALOG_DIR` leads to; what goes wrong is said in the program's own errors. */
export async function askGateway<Answer>(
  env: Readonly<Record<string, string | undefined>>,
  ask: (client: AdminClient) => Promise<Answer>,
): Promise<Answer> {
  try {
    return await ask(new AdminClient(readCatalogDirectory(env)));
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message);
    if (error instanceof NotRunningError)
      throw new FailedError(
        `${error.message}\nRun this where the gateway runs, as its user: with kubectl exec in its pod, or with its CATALOG_DIR on its host.`,
      );
    if (error instanceof AdminRefusedError) throw new FailedError(error.message);
    throw error;
  }
}

const POLL_MS = 1_000;

/** What to show of something that goes on in a gateway. */
export interface Following<Report> {
  readonly isRunning: (report: Report) => boolean;
  /** Shown while it runs. */
  readonly describe: (report: Report) => string;
  readonly next: () => Promise<Report>;
}

/** Asks every second until it has ended. It goes on if this process is stopped. */
export async function follow<Report>(
  host: CommandHost,
  first: Report,
  { isRunning, describe, next }: Following<Report>,
): Promise<Report> {
  const progress = new Progress(host.terminal);
  let report = first;
  while (isRunning(report)) {
    progress.update(describe(report));
    await host.sleep(POLL_MS);
    report = await next();
  }
  progress.done();
  return report;
}

/** Whether a gateway uses the directory that `CATALOG_DIR` leads to. */
export async function isGatewayRunning(env: Readonly<Record<string, string | undefined>>): Promise<boolean> {
  return askGateway(env, async (gateway) => {
    try {
      await gateway.call('GET', '/catalog');
      return true;
    } catch (error) {
      if (error instanceof NotRunningError) return false;
      throw error;
    }
  });
}
