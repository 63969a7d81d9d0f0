/** Everything that the gateway tells of itself, put together: for Prometheus, and for the status page. */
import { Registry } from 'prom-client';
import type { RemoteTreeStats } from '../ftp/remote-tree';
import type { RequestRecord } from '../middleware/access-log';
import { backupMetrics } from './backup-metrics';
import { BackupRuns } from './backup-runs';
import { certificateMetric } from './certificate-metric';
import { ftpMetrics } from './ftp-metrics';
import { mirrorMetrics } from './mirror-metrics';
import type { StoredVolume } from './inventory';
import { processMetrics } from './process-metrics';
import { requestMetrics } from './request-metrics';
import type { GatewayStatus } from './status';
import { storeMetrics, type StoreFigures } from './store-metrics';
import { verificationMetrics, type LocatedVerification } from './verifications';
import { volumeStatus, type VolumeStatus } from './volume-status';

/** Where the figures come from; each is read when somebody asks, and cheap unless it says otherwise. */
export interface MetricsSources {
  readonly version: string;
  readonly ftp: () => RemoteTreeStats;
  readonly store: () => StoreFigures;
  /** Walks over a part of the catalog: asked at most every 5 s. */
  readonly volumes: () => readonly StoredVolume[];
  /** As last heard from the FTP server; undefined where it does not tell. */
  readonly availableBytes: () => number | undefined;
  /** The last of each location, as last read from there. */
  readonly verifications: () => readonly LocatedVerification[];
  /** PEM with the certificate of the S3 port; undefined if it does not speak TLS. */
  readonly certificateFile: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const VOLUMES_KEPT_MS = 5_000;

export class Metrics {
  readonly #registry = new Registry();
  readonly #runs: BackupRuns;
  readonly #observeRequest: (record: RequestRecord) => void;
  readonly #startedAt: number;
  #volumes: { readonly stored: readonly StoredVolume[]; readonly at: number } | undefined;

  constructor(private readonly sources: MetricsSources) {
    const { version, ftp, store, availableBytes, verifications, certificateFile, now } = sources;
    this.#startedAt = now();
    this.#runs = new BackupRuns(now);
    this.#observeRequest = requestMetrics(this.#registry);
    processMetrics(this.#registry, version);
    ftpMetrics(this.#registry, ftp, availableBytes);
    if (certificateFile !== undefined) certificateMetric(this.#registry, certificateFile);
    storeMetrics(this.#registry, store);
    mirrorMetrics(this.#registry, store);
    backupMetrics(this.#registry, this.#runs, () => this.#volumeStatus());
    verificationMetrics(this.#registry, verifications);
  }

  /** Takes each finished S3 request. */
  observe(record: RequestRecord): void {
    this.#observeRequest(record);
    this.#runs.observe(record);
  }

  /** In Prometheus's text format, and the type to send it as. */
  async exposition(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  status(): GatewayStatus {
    const { version, ftp, store, availableBytes, verifications, now } = this.sources;
    return {
      version,
      now: now(),
      startedAt: this.#startedAt,
      longhornSeenAt: this.#runs.lastRequestAt,
      store: store(),
      ftp: ftp(),
      availableBytes: availableBytes(),
      verifications: verifications(),
      volumes: this.#volumeStatus(),
    };
  }

  #volumeStatus(): VolumeStatus[] {
    const now = this.sources.now();
    if (!this.#volumes || now - this.#volumes.at >= VOLUMES_KEPT_MS)
      this.#volumes = { stored: this.sources.volumes(), at: now };
    return volumeStatus(this.#volumes.stored, this.#runs);
  }
}
