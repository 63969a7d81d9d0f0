/**
 * Lets connecting over a slow line take its round trip, in the process that imports this: LONGHAUL_SLOW_CONNECT_MS milliseconds. The kernel
 * answers connections to loopback at once, before any proxy hears of them.
 */
import { Socket } from 'node:net';
import { SLOW_LINE_HOST } from './slow-line';

const delayMs = Number(process.env['LONGHAUL_SLOW_CONNECT_MS'] ?? 0);

type Connect = (this: Socket, ...parameters: unknown[]) => Socket;

if (delayMs > 0) {
  const prototype = Socket.prototype as unknown as { connect: Connect };
  const { connect } = prototype;
  prototype.connect = function (...parameters) {
    if (hostOf(parameters) !== SLOW_LINE_HOST) return connect.apply(this, parameters);
    // What is written meanwhile has to wait, as it does during a connect.
    (this as { connecting: boolean }).connecting = true;
    setTimeout(() => {
      if (!this.destroyed) connect.apply(this, parameters);
    }, delayMs);
    return this;
  };
}

/** `net.connect` and TLS pass on its parameters as one array. */
function hostOf(parameters: readonly unknown[]): unknown {
  const [first, second] = (Array.isArray(parameters[0]) ? parameters[0] : parameters) as readonly unknown[];
  return typeof first === 'object' && first !== null && 'host' in first ? first.host : second;
}
