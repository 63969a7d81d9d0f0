/**
 * The composition root: puts the parts together by configuration, serves, and takes them apart in order. Long, because the order of all
 * parts is the one thing that it is about.
 */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Logger } from 'pino';
import { buildAdminApp } from './admin/app';
import { CatalogAdmin } from './admin/catalog';
import { TrashAdmin } from './admin/trash';
import { version } from './package.json';
import { buildApp } from './app';
import type { GatewayConfig } from './config';
import { MirrorAdmin } from './admin/mirror';
import { ftpTree } from './ftp-config';
import { createHttpServer, drain } from './http-server';
import { followCertificate, readCertificate } from './certificate';
import { SecureServer } from './secure-server';
import { takeDirectory } from './local-directory';
import { RecordFiles } from './backups/verify/record-files';
import { AvailableSpace } from './metrics/available-space';
import { buildMetricsApp } from './metrics/app';
import { storedVolumes } from './metrics/inventory';
import { Metrics } from './metrics/metrics';
import { listenForMetrics } from './metrics/server';
import { Verifications } from './metrics/verifications';
import type { Readiness } from './middleware/probes';
import type { MirrorConfig } from './mirror-config';
import { MemoryBudget } from './s3/memory-budget';
import { createKeyring } from './seal/keyring';
import type { CatalogDamagedError } from './store/catalog-error';
import { markDamaged, openCatalog } from './store/catalog-file';
import { Checkpoints } from './store/checkpoints';
import { FtpRoot } from './store/ftp-root';
import { FtpStore, type MirrorLocation } from './store/ftp-store';
import { KeyCheck } from './store/key-check';
import { ObjectFiles, type ObjectFilesOptions } from './store/object-files';
import { RemoteLayout } from './store/remote-layout';
import { expireAbandonedUploads } from './store/upload-expiry';

/** Requests in flight may take this long to end; with what follows it stays below Kubernetes's 30 s. */
const DRAIN_MS = 15_000;
/** A checkpoint spares the next gateway a look at everything; it is worth the rest of that time. */
const CHECKPOINT_MS = 8_000;
/** The FTP server may be what is wrong: giving the lease back is worth this much waiting. */
const CLOSE_MS = 5_000;

/** Where there is a mirror, a read that the first location does not go on with is given up this soon. */
const READ_BEFORE_MIRROR_MS = 15_000;

export interface Gateway {
  readonly port: number;
  readonly metricsPort: number;
  /** Resolves when it cannot go on, and what it must not be used for any more: stop it, and start it anew. */
  readonly failed: Promise<Error>;
  /** Ends what is in flight, gives the lease back and closes everything, within 30 s. */
  stop(): Promise<void>;
}

/** Resolves when it listens. Throws `CatalogError`, `LocalDirectoryError`, or why it cannot listen. */
export async function startGateway(config: GatewayConfig, log: Logger): Promise<Gateway> {
  const local = await takeDirectory(config.catalogDirectory);
  const catalog = await openCatalog(config.catalogDirectory, log);
  const tree = ftpTree(config.ftp);
  const layout = new RemoteLayout(config.ftp.root);
  const keyring = config.encryptionKeys && createKeyring(config.encryptionKeys);
  if (!keyring)
    log.warn(
      'ENCRYPTION_KEY is not set: objects are stored as they are, readable by whoever reads the FTP server',
    );
  if (config.ftp.tls === 'off')
    log.warn('FTP_TLS is off: the password and all objects cross the network unencrypted');
  const monotonicMs = (): number => performance.now();
  const shared = { tree, catalog, layout, log, now: Date.now };
  const keyCheck = new KeyCheck({
    tree,
    layout,
    ...(keyring && { keyring }),
    readPlain: config.readPlainObjects,
  });
  const root: FtpRoot = new FtpRoot({
    ...shared,
    holder: local.holder,
    bucket: config.s3.bucket,
    keyCheck,
    onTaken: (epoch, id) => store.begin(epoch, id),
    restore: (names, id) => checkpoints.restore(names, id),
    monotonicMs,
  });
  const reading = {
    ...(keyring && { keyring }),
    segmentLog2: config.segmentLog2,
    readPlain: () => keyCheck.readsPlain,
  };
  const mirror = config.mirror && openMirror(config.mirror, reading);
  const files = new ObjectFiles({
    ...reading,
    tree,
    ...(mirror && { readDeadlineMs: READ_BEFORE_MIRROR_MS }),
    temporaryPath: () => root.temporaryPath(),
    asidePath: (path) => layout.aside(path),
  });
  const checkpoints = new Checkpoints({
    ...shared,
    files,
    directory: config.catalogDirectory,
    isOpen: () => root.isOpen,
    intervalMs: config.checkpointMs,
  });
  let onDamage: (error: CatalogDamagedError) => void = () => undefined;
  const failed = new Promise<Error>((resolve) => {
    onDamage = (error) => {
      markDamaged(config.catalogDirectory);
      resolve(error);
    };
  });
  const store = new FtpStore({
    ...shared,
    root,
    files,
    deleteGuard: config.deleteGuard,
    trash: config.trash,
    intervalMs: config.crawlMs,
    onDamage,
    keyCheck,
    ...(keyring && { keyring }),
    connections: config.ftp.connections,
    ...(mirror && { mirror }),
    ...(config.rotationBytesPerSecond > 0 && { rotationBytesPerSecond: config.rotationBytesPerSecond }),
    monotonicMs,
  });
  const { rotation } = store.keys;
  const space = new AvailableSpace(tree, layout.root);
  const recordsAt = (location: Pick<MirrorLocation, 'tree' | 'layout'>): RecordFiles =>
    new RecordFiles({
      ...{ tree: location.tree, layout: location.layout, bucket: config.s3.bucket, now: Date.now },
      ...(keyring && { keyring }),
      readPlain: config.readPlainObjects,
    });
  const verifications = new Verifications({
    first: recordsAt({ tree, layout }),
    ...(mirror && { mirror: recordsAt(mirror) }),
  });
  const metrics = new Metrics({
    version,
    now: Date.now,
    ftp: () => tree.stats(),
    store: () => ({
      serving: root.isOpen,
      standby: root.isStandby,
      ...(!root.isOpen && { reason: root.reason }),
      epoch: catalog.epoch,
      buckets: catalog.buckets().length,
      entries: catalog.counts.files + catalog.counts.directories,
      checkpoint: checkpoints.stats,
      stats: store.stats,
    }),
    volumes: () => storedVolumes(catalog),
    availableBytes: () => space.bytes,
    verifications: () => verifications.last,
    certificateFile: config.s3.tls?.certFile,
  });
  const app = buildApp({
    store,
    onRequest: (record) => metrics.observe(record),
    accessKeys: config.s3.accessKeys,
    memoryBudget: new MemoryBudget(config.memoryBudgetBytes),
    log,
    version,
    ready: () => Promise.resolve(readiness(root, tree.stats().fullSince, mirror !== undefined)),
    ...(config.s3.domain !== undefined && { domain: config.s3.domain }),
  });
  const admin = buildAdminApp({
    catalog: new CatalogAdmin({ root, catalog, store, checkpoints }),
    trash: new TrashAdmin({ root, store, settings: config.trash }),
    mirror: new MirrorAdmin(store),
    keys: {
      report: () => store.keys.report(),
      retire: (id) => store.keys.retire(id),
      async rotate() {
        if (!rotation) throw new Error('there is nothing to seal with: ENCRYPTION_KEY is not set');
        await rotation.start();
      },
    },
    log,
  });
  local.serve(getRequestListener(admin.fetch, { overrideGlobalObjects: false }));
  root.start();
  store.crawler.start();
  checkpoints.start();
  const { uploadExpiryMs } = config;
  const endExpiry =
    uploadExpiryMs !== undefined && expireAbandonedUploads({ ...shared, store, afterMs: uploadExpiryMs });
  store.trashKeeper.start();
  store.mirror?.start();
  void rotation?.resume();
  const { tls } = config.s3;
  const certificate = tls && (await readCertificate(tls));
  const server = createHttpServer(app, certificate);
  const forgetCertificate =
    server instanceof SecureServer && tls && certificate && followCertificate(server, tls, certificate, log);
  space.start();
  verifications.start();
  const { bindAddress, port } = config.metrics;
  const metricsServer = await listenForMetrics(buildMetricsApp(metrics, log), port, bindAddress);
  server.listen(config.s3.port, config.s3.bindAddress);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    metricsPort: (metricsServer.address() as AddressInfo).port,
    failed,
    async stop() {
      for (const end of [endExpiry, forgetCertificate]) if (end) end();
      const stopped = Promise.all([
        drain(server, DRAIN_MS),
        within(DRAIN_MS, store.crawler.stop()),
        checkpoints.stop(),
      ]);
      const [drained, idle] = await stopped;
      const isClean = drained && idle && root.isOpen;
      if (isClean) await within(CHECKPOINT_MS, checkpoints.take(true));
      space.stop();
      const mirrored = store.mirror?.close();
      await mirror?.tree.close(0);
      if (mirrored) await within(CLOSE_MS, mirrored);
      verifications.stop();
      metricsServer.close();
      metricsServer.closeAllConnections();
      const closed = await within(
        CLOSE_MS,
        Promise.all([store.trashKeeper.close(), rotation?.close()]).then(() => root.close()),
      );
      await catalog.close(isClean && closed);
      await tree.close(0);
      local.release();
    },
  };
}

/** A full account is no reason to be taken out of service: it can still be restored from. */
function readiness(root: FtpRoot, fullSince: number | undefined, hasMirror: boolean): Readiness {
  const { isOpen, isOutOfReach, reason } = root;
  if (!isOpen && isOutOfReach && hasMirror)
    return { ready: true, warning: `only what can be read from the mirror is answered: ${reason}` };
  if (!isOpen) return { ready: false, reason };
  if (fullSince === undefined) return { ready: true };
  const since = new Date(fullSince).toISOString();
  return { ready: true, warning: `the FTP account has had no space left since ${since}` };
}

/** The second location, of which nothing is known yet. */
function openMirror(
  { ftp, maxLagMs }: MirrorConfig,
  reading: Pick<ObjectFilesOptions, 'keyring' | 'segmentLog2' | 'readPlain'>,
): MirrorLocation {
  const tree = ftpTree(ftp);
  const layout = new RemoteLayout(ftp.root);
  const temporaryPath = (): never => {
    throw new Error('nothing is written to the mirror but copies');
  };
  const files = new ObjectFiles({ ...reading, tree, temporaryPath, asidePath: (path) => layout.aside(path) });
  return { tree, layout, files, connections: ftp.connections, maxLagMs };
}

/** Whether it ended well within this time. */
async function within(ms: number, task: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const ended = task.then(
    () => true,
    () => false,
  );
  const result = await Promise.race([ended, late]);
  clearTimeout(timer);
  return result;
}
