/**
 * jest runs tests in a realm of their own, whose `Error` does not know the errors of Node's sockets and streams: `error instanceof Error` is false for an
 * ECONNRESET there, unlike in production, and libraries that ask (basic-ftp does) would wait forever.
 */
import { types } from 'node:util';

const ordinary = Function.prototype[Symbol.hasInstance];

Object.defineProperty(Error, Symbol.hasInstance, {
  value(this: unknown, value: unknown): boolean {
    return ordinary.call(this, value) || (this === Error && types.isNativeError(value));
  },
});
