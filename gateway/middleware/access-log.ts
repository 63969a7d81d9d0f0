/** One line per request, and one record for whoever counts. Never a header value beyond the client's name and the attempt number: others hold signatures. */
import type { ServerResponse } from 'node:http';
import { constants, type Http2Stream } from 'node:http2';
import { createMiddleware } from 'hono/factory';
import type { GatewayContext, GatewayEnv } from '../env';
import { S3Error } from '../errors';
import type { AccessKey } from '../s3/access-key';

export interface RequestRecord {
  readonly requestId: string;
  /** Absent if the request was refused before it was understood. */
  readonly operation?: string;
  readonly method: string;
  readonly bucket?: string;
  readonly key?: string;
  readonly status: number;
  /** Bytes of bodies, without headers. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly durationMs: number;
  /** What the SDK says: `attempt=1; max=5`. */
  readonly attempt?: string;
  /** What the client says that it is, at most 100 characters of it. */
  readonly userAgent?: string;
  readonly errorCode?: string;
  /** The name of the access key; absent if nobody was let in. */
  readonly accessKey?: string;
  /** The connection ended before the response was whole. */
  readonly aborted?: true;
}

export interface AccessLogOptions {
  /** Milliseconds on a clock that never goes back. */
  readonly monotonicMs: () => number;
  readonly onRequest?: (record: RequestRecord) => void;
}

export function accessLog({ monotonicMs, onRequest }: AccessLogOptions) {
  return createMiddleware<GatewayEnv>(async (c, next) => {
    const startedMs = monotonicMs();
    const { outgoing } = c.env;
    const closed = new Promise<void>((resolve) => outgoing.once('close', resolve));
    await next();
    // A client may leave long before the store has given up what it does for it: only then is it known how that ended.
    void closed.then(() => {
      const record = recordOf(c, Math.round(monotonicMs() - startedMs));
      onRequest?.(record);
      const { error } = c.var;
      const cause = error instanceof S3Error && error.status >= 500 ? error.cause : undefined;
      const level = record.status >= 500 ? 'warn' : 'info';
      // The request id is on each of the logger's lines already.
      c.var.log[level](
        { ...record, requestId: undefined, ...(cause !== undefined && { err: cause }) },
        'request',
      );
    });
  });
}

function recordOf(c: GatewayContext, durationMs: number): RequestRecord {
  const { incoming, outgoing } = c.env;
  const { operation, error, requestId, traffic } = c.var;
  const accessKey = c.get('accessKey') as AccessKey | undefined;
  const attempt = incoming.headers['amz-sdk-request'];
  const userAgent = incoming.headers['user-agent'];
  return {
    requestId,
    method: incoming.method ?? '',
    ...(operation && { operation: operation.type }),
    ...(operation && 'bucket' in operation && { bucket: operation.bucket }),
    ...(operation && 'key' in operation && { key: operation.key }),
    status: outgoing.statusCode,
    ...traffic,
    durationMs,
    ...(typeof attempt === 'string' && { attempt: attempt.slice(0, 40) }),
    ...(userAgent !== undefined && { userAgent: userAgent.slice(0, 100) }),
    ...(error instanceof S3Error && { errorCode: error.code }),
    ...(accessKey && { accessKey: accessKey.name }),
    ...(!isWhole(outgoing) && { aborted: true as const }),
  };
}

/** An HTTP/2 response is no stream of its own, but has one. */
function isWhole(outgoing: ServerResponse): boolean {
  if (!('stream' in outgoing)) return outgoing.writableFinished;
  const { writableFinished, rstCode } = outgoing.stream as Http2Stream;
  return writableFinished && rstCode === constants.NGHTTP2_NO_ERROR;
}
