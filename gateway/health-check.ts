/** `gateway --health`: asks the gateway on this machine how it is, for containers whose image has neither shell nor curl. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { HEALTH_PATH } from '../lib/names';
import type { GatewayConfig } from './config';

const TIMEOUT_MS = 4_000;
/** What listens everywhere is asked here; `::` takes IPv4 too. */
const EVERYWHERE = ['::', '0.0.0.0'];

/** Resolves with the answer's text. Rejects where there is none within 4 s, or one that is no 200. */
export function askHealth({ bindAddress, port, tls }: GatewayConfig['s3']): Promise<string> {
  const host = EVERYWHERE.includes(bindAddress) ? '127.0.0.1' : bindAddress;
  // The certificate is for the name that clients use. Nothing is told to whoever answers, and nothing believed but that it does.
  const options = { host, port, path: HEALTH_PATH, timeout: TIMEOUT_MS, rejectUnauthorized: false };
  return new Promise((resolve, reject) => {
    const request = tls ? httpsRequest(options) : httpRequest(options);
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error(`HTTP status ${response.statusCode}`)),
      );
    });
    request.end();
  });
}
