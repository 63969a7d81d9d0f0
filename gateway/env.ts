/** What a request carries through middleware and handlers. */
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { Logger } from 'pino';
import type { AccessKey } from './s3/access-key';
import type { Headers } from './s3/conditions';
import type { Operation } from './s3/operation';
import type { Authentication } from './sigv4/verify';

/** Bytes of object and document bodies, without headers and framing. */
export interface Traffic {
  bytesIn: number;
  bytesOut: number;
}

export interface GatewayEnv {
  Bindings: HttpBindings;
  Variables: {
    requestId: string;
    log: Logger;
    traffic: Traffic;
    /** Set once the request has been authenticated and understood. */
    operation?: Operation;
    /** By lower-case name; of a presigned request, with the `x-amz-*` that its URL carries. */
    headers: Headers;
    authentication: Authentication;
    /** Whose signature it is. */
    accessKey: AccessKey;
    /** What the client was told, or would have been. */
    error?: unknown;
  };
}

export type GatewayContext = Context<GatewayEnv>;
