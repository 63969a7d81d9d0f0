/** How a command talks to a running gateway. */
import { FailedError, UsageError } from '../../lib/cli/output';
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
