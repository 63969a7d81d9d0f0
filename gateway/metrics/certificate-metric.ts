/** When the certificate of the S3 port ends: as the file says now, which the port follows within half a minute. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Registry } from 'prom-client';
import { pulledGauge } from './pulled';

/** @param file PEM; the first certificate in it is the port's own */
export function certificateMetric(registry: Registry, file: string): void {
  pulledGauge(
    {
      registry,
      name: 'longhaul_s3_certificate_expiry_timestamp_seconds',
      help: 'When the certificate of the S3 port ends.',
    },
    () => certificateEnd(file),
  );
}

function certificateEnd(file: string): number | undefined {
  try {
    return Date.parse(new X509Certificate(readFileSync(file)).validTo) / 1000;
  } catch {
    // It is being replaced, or cannot be read: then the port says so in the log.
    return undefined;
  }
}
