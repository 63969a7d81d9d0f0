/** What S3 clients asked for, and how it went. */
import { Counter, Histogram, type Registry } from 'prom-client';
import type { RequestRecord } from '../middleware/access-log';

/** Seconds. A LIST takes a millisecond, a block a second, and a request may wait for the FTP server for minutes. */
const DURATION_BUCKETS = [0.005, 0.025, 0.1, 0.5, 2, 10, 60, 300];
/** Of what was refused before it was understood. */
const UNKNOWN_OPERATION = 'Unknown';

/** The returned function takes each finished request. */
export function requestMetrics(registry: Registry): (record: RequestRecord) => void {
  const registers = [registry];
  const requests = new Counter({
    name: 'longhaul_s3_requests_total',
    help: 'S3 requests answered, by operation and HTTP status.',
    labelNames: ['operation', 'code'],
    registers,
  });
  const durations = new Histogram({
    name: 'longhaul_s3_request_duration_seconds',
    help: 'Time from the head of an S3 request to the end of its response.',
    labelNames: ['operation'],
    buckets: DURATION_BUCKETS,
    registers,
  });
  const aborted = new Counter({
    name: 'longhaul_s3_aborted_requests_total',
    help: 'S3 requests whose connection ended before the response was whole.',
    registers,
  });
  const received = new Counter({
    name: 'longhaul_s3_received_bytes_total',
    help: 'Bytes of request bodies received from S3 clients.',
    registers,
  });
  const sent = new Counter({
    name: 'longhaul_s3_sent_bytes_total',
    help: 'Bytes of response bodies sent to S3 clients.',
    registers,
  });
  return ({ operation = UNKNOWN_OPERATION, status, durationMs, bytesIn, bytesOut, aborted: cut }) => {
    requests.inc({ operation, code: String(status) });
    durations.observe({ operation }, durationMs / 1000);
    received.inc(bytesIn);
    sent.inc(bytesOut);
    if (cut) aborted.inc();
  };
}
