/** The parts of a cluster that are not there in tests, played by writing the status that they would write. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiServer } from './api-server';

const NAMESPACE = 'longhorn-system';
export const DEPLOYMENT_PATH = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/s3-to-ftp`;
export const TARGET_PATH = `/apis/longhorn.io/v1beta2/namespaces/${NAMESPACE}/backuptargets/default`;
const JOBS_PATH = `/apis/batch/v1/namespaces/${NAMESPACE}/jobs`;

/** Waits until an object is there and returns it. */
export async function untilThere<T>(
  server: ApiServer,
  path: string,
  holds: (object: T) => boolean = () => true,
): Promise<T> {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    const { status, body } = await server.request('GET', path);
    if (status === 200 && holds(body as T)) return body as T;
    await sleep(20);
  }
  throw new Error(`${path} did not become as expected`);
}

/** The deployment controller and the kubelet: the newest template runs, and one pod is ready. */
export async function playGatewayReady(server: ApiServer): Promise<void> {
  const { metadata } = await untilThere<{ metadata: { generation: number } }>(server, DEPLOYMENT_PATH);
  const counts = { replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };
  await server.patch(`${DEPLOYMENT_PATH}/status`, {
    status: { observedGeneration: metadata.generation, ...counts },
  });
}

/** Longhorn: it has looked at the target with its URL and found it available. */
export async function playTargetAvailable(server: ApiServer, syncedAt = new Date()): Promise<void> {
  await untilThere<{ spec: { backupTargetURL: string } }>(
    server,
    TARGET_PATH,
    ({ spec }) => spec.backupTargetURL !== '',
  );
  const lastSyncedAt = syncedAt.toISOString().replace(/\.\d+/, '');
  await server.patch(`${TARGET_PATH}/status`, {
    status: { available: true, lastSyncedAt, conditions: [{ type: 'Unavailable', status: 'False' }] },
  });
}

/** The job controller: the job has run. */
export async function playJobComplete(
  server: ApiServer,
  name = 'longhaul-label',
  type = 'Complete',
): Promise<void> {
  await untilThere(server, `${JOBS_PATH}/${name}`);
  await server.patch(`${JOBS_PATH}/${name}/status`, { status: { conditions: [{ type, status: 'True' }] } });
}

/** A pod of the gateway with this container state. */
export async function createGatewayPod(server: ApiServer, status: object): Promise<string> {
  const name = `s3-to-ftp-${createHash('sha256').update(JSON.stringify(status)).digest('hex').slice(0, 5)}`;
  const path = `/api/v1/namespaces/${NAMESPACE}/pods`;
  await server.create(path, {
    metadata: { name, labels: { app: 's3-to-ftp' } },
    spec: { containers: [{ name: 'gateway', image: 'registry.example/longhaul:1.0.0' }] },
  });
  await server.patch(`${path}/${name}/status`, { status });
  return name;
}

export async function removePod(server: ApiServer, name: string): Promise<void> {
  await server.request('DELETE', `/api/v1/namespaces/${NAMESPACE}/pods/${name}`, {
    body: { gracePeriodSeconds: 0 },
  });
}
