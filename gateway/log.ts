/** The log: JSON lines on standard output, or text for people in a terminal. */

import { pino, type Logger } from 'pino';
import pretty from 'pino-pretty';

export function createLog(level: string): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!process.stdout.isTTY) return pino(options);
  return pino(options, pretty({ translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname' }));
}
