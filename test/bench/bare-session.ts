/** What the floor's processes have in common: their orders, as JSON in BARE_CLIENT, and sessions of bare basic-ftp over a slow line. */
import '../support/slow-connect';
import { Client } from 'basic-ftp';

export interface BareAccount {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** PEM of the authority to trust, with TLS. */
  readonly ca: string | undefined;
}

export function orders<T>(): T {
  return JSON.parse(process.env['BARE_CLIENT'] ?? '') as T;
}

export async function logIn({ host, port, user, password, ca }: BareAccount): Promise<Client> {
  const client = new Client();
  const tls = ca === undefined ? {} : { secure: true, secureOptions: { ca } };
  await client.access({ host, port, user, password, ...tls });
  return client;
}
