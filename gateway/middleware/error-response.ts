/** The one place where an error becomes a response. */
import type { ErrorHandler } from 'hono';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { GatewayEnv } from '../env';
import { toS3Error, type S3Error } from '../errors';
import { refuseBody } from './refuse-body';
import { plainDocument } from '../s3/xml-write';

/** Seconds; spread, so that clients refused together do not come back together. */
const RETRY_AFTER_MAX_SECONDS = 5;

export function errorDocument(
  error: S3Error,
  context: { readonly resource?: string; readonly requestId?: string },
): string {
  return plainDocument('Error', {
    Code: error.code,
    Message: error.message,
    ...error.details,
    Resource: context.resource,
    RequestId: context.requestId,
    HostId: context.requestId,
  });
}

export const errorResponse: ErrorHandler<GatewayEnv> = async (thrown, c) => {
  const { incoming, outgoing } = c.env;
  const error = toS3Error(thrown);
  c.set('error', error);
  if (error.code === 'InternalError') c.var.log.error({ err: error.cause ?? error }, 'request failed');
  if (outgoing.headersSent || outgoing.destroyed) {
    // A body that ends early must not look whole. The status is for the log.
    if (!outgoing.headersSent) outgoing.statusCode = error.status;
    outgoing.destroy();
    return RESPONSE_ALREADY_SENT;
  }
  if (error.status === 503)
    outgoing.setHeader('retry-after', `${1 + Math.floor(Math.random() * RETRY_AFTER_MAX_SECONDS)}`);
  const [path = ''] = (incoming.url ?? '').split('?');
  const document = errorDocument(error, { resource: path, requestId: c.var.requestId });
  return refuseBody(c, error.status, { 'content-type': 'application/xml' }, document);
};
