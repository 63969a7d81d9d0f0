/** What the AWS SDK makes of an error answer: `404 NoSuchKey`. A promise that resolves gives `no error`. */
export async function s3Refusal(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    ({ name, $metadata }: { name: string; $metadata?: { httpStatusCode?: number } }) =>
      `${$metadata?.httpStatusCode ?? 'no answer:'} ${name}`,
  );
}
