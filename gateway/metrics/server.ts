/** The metrics port. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';

/** Prometheus keeps one connection, a browser some. */
const MAX_CONNECTIONS = 64;

/** Resolves when it listens; rejects with why it cannot. */
export async function listenForMetrics(app: Hono, port: number, bindAddress: string): Promise<Server> {
  const server = createServer(
    getRequestListener(app.fetch, { overrideGlobalObjects: false }) as RequestListener,
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(port, bindAddress);
  await once(server, 'listening');
  return server;
}
