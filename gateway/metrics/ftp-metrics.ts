/** The FTP account as the gateway sees it. */
import type { Registry } from 'prom-client';
import type { RemoteTreeStats } from '../ftp/remote-tree';
import { pulledCounter, pulledGauge } from './pulled';

/** @param availableBytes as last heard; undefined where the server does not tell */
export function ftpMetrics(
  registry: Registry,
  stats: () => RemoteTreeStats,
  availableBytes: () => number | undefined,
): void {
  const gauge = (name: string, help: string, read: () => number | undefined) =>
    pulledGauge({ registry, name: `longhaul_ftp_${name}`, help }, read);
  const counter = (name: string, help: string, read: () => number) =>
    pulledCounter({ registry, name: `longhaul_ftp_${name}`, help }, read);

  pulledGauge(
    {
      registry,
      name: 'longhaul_ftp_connections',
      help: 'Control connections open, by whether they are in use.',
      labelNames: ['state'],
    },
    () => {
      const { busy, idle } = stats().connections;
      return [
        [{ state: 'busy' }, busy],
        [{ state: 'idle' }, idle],
      ];
    },
  );
  gauge(
    'connection_limit',
    'Connections that the pool allows itself now: fewer than configured after the server turned some away.',
    () => stats().connections.limit,
  );
  gauge('waiting_operations', 'Operations that wait for a connection.', () => stats().connections.waiting);
  counter('connections_opened_total', 'Connections opened and logged in.', () => stats().connections.opened);
  counter(
    'connections_broken_total',
    'Connections given up because they broke.',
    () => stats().connections.broken,
  );
  counter('failed_logins_total', 'Logins turned away or failed.', () => stats().connections.failedLogins);
  pulledCounter(
    {
      registry,
      name: 'longhaul_ftp_commands_total',
      help: 'FTP commands sent, by verb.',
      labelNames: ['verb'],
    },
    () => [...stats().commands].map(([verb, count]) => [{ verb }, count]),
  );
  pulledCounter(
    {
      registry,
      name: 'longhaul_ftp_outcomes_total',
      help: 'How operations on a connection ended: positive, by the class of a negative reply (transient, refused, full, denied), or connection-failed.',
      labelNames: ['outcome'],
    },
    () => Object.entries(stats().outcomes).map(([outcome, count]) => [{ outcome }, count]),
  );
  counter('retries_total', 'Attempts made again after a passing trouble.', () => stats().retries);
  counter(
    'resumes_total',
    'Downloads continued at the byte where a connection broke.',
    () => stats().resumes,
  );
  counter('sent_bytes_total', 'Bytes of files sent to the FTP server.', () => stats().bytesSent);
  counter(
    'received_bytes_total',
    'Bytes of files received from the FTP server.',
    () => stats().bytesReceived,
  );
  gauge(
    'last_reply_timestamp_seconds',
    'When the FTP server last answered anything. The gateway speaks to it every 5 s.',
    () => seconds(stats().lastReplyAt),
  );
  gauge(
    'certificate_expiry_timestamp_seconds',
    "When the FTP server's certificate ends, as it was last shown.",
    () => seconds(stats().certificateExpiresAt),
  );
  gauge('full', 'Whether the FTP server refuses to store more, for lack of space: 1, or 0.', () =>
    stats().fullSince === undefined ? 0 : 1,
  );
  gauge(
    'available_bytes',
    'Bytes that the account may still store, where the FTP server tells (AVBL).',
    availableBytes,
  );
}

export function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}
