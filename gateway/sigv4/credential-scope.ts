/** What a SigV4 signature is good for. */

export interface CredentialScope {
  /** `YYYYMMDD`. */
  readonly date: string;
  /** Any word: the gateway has no regions, and takes part in whichever one the client names. */
  readonly region: string;
  readonly service: 's3';
}

/** As it stands in a credential and in a string to sign. */
export function formatScope({ date, region, service }: CredentialScope): string {
  return `${date}/${region}/${service}/aws4_request`;
}
