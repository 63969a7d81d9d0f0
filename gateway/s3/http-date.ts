/** Dates as HTTP and as S3's XML write them. */

/** Milliseconds since the epoch; undefined for what is not a date of RFC 9110, its obsolete forms included. */
export function parseHttpDate(text: string | undefined): number | undefined {
  if (text === undefined || !/^[A-Z][a-z]{2,8},? .*\d\d:\d\d:\d\d/.test(text)) return undefined;
  const ms = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(ms) ? undefined : ms;
}

export function formatHttpDate(ms: number): string {
  return new Date(ms).toUTCString();
}

/** ISO 8601 with milliseconds. */
export function formatXmlDate(ms: number): string {
  return new Date(ms).toISOString();
}
