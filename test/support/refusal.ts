/** What S3 would answer to what was refused: `403 AccessDenied`. Any error that is no S3Error is let through. */
import { S3Error } from '../../gateway/errors';

export const LET_IN = 'let in';

export function refusal(attempt: () => unknown): string {
  try {
    attempt();
    return LET_IN;
  } catch (error) {
    return describeRefusal(error);
  }
}

export function refusalOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(() => LET_IN, describeRefusal);
}

function describeRefusal(error: unknown): string {
  if (!(error instanceof S3Error)) throw error;
  return `${error.status} ${error.code}`;
}
