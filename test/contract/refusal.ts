import { S3Error } from '../../gateway/errors';

/** The code of the S3Error that `promise` rejects with; anything else comes back as it is, and fails the comparison. */
export async function refusalOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then((value) => ({ resolvedWith: value }), codeOf);
}

/** The code of the S3Error that `run` throws; anything else comes back as it is, and fails the comparison. */
export function thrownBy(run: () => unknown): unknown {
  try {
    return { returned: run() };
  } catch (error) {
    return codeOf(error);
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof S3Error ? error.code : error;
}
