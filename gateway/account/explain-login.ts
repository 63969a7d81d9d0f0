/** Why a login failed, in words that lead to what mends it. */

import type { FtpConfig } from '../ftp-config';
import { FtpConnectionError, FtpReplyError } from '../ftp/reply';

/** Never holds the password: neither do the errors. */
export function explainLogin(
  error: unknown,
  { host, port, tls }: Pick<FtpConfig, 'host' | 'port' | 'tls'>,
): string {
  const at = `${host}:${port}`;
  if (error instanceof FtpReplyError) {
    if (error.verb === 'AUTH')
      return `${at} offers no TLS (${error.message}). Try FTP_TLS=implicit with its port, mostly 990; FTP_TLS=off would send the password in the clear`;
    if (error.replyClass === 'denied')
      return `${at} does not accept the user name and password, or has no connection left (${error.message})`;
    return `${at} refuses the login (${error.message})`;
  }
  const cause = error instanceof FtpConnectionError ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const reason = cause instanceof Error ? cause.message : String(cause);
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the name ${host} does not resolve`;
    case 'ECONNREFUSED':
      return `nothing listens at ${at}`;
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `the certificate of ${at} is for another name (${reason}). Use the name that it is made for as FTP_HOST`;
    case 'CERT_HAS_EXPIRED':
      return `the certificate of ${at} has expired`;
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
      return tls === 'implicit'
        ? `${at} does not begin with TLS. Try FTP_TLS=explicit with its port, mostly 21`
        : `the TLS handshake with ${at} failed (${reason})`;
  }
  if (/CERT|LEAF_SIGNATURE/.test(code))
    return `nobody that Node.js trusts signed the certificate of ${at} (${code}). Give the PEM of its authority with FTP_CA_FILE`;
  if (/timeout/i.test(reason))
    return `${at} does not answer (${reason}). ${tls === 'explicit' ? 'A server that begins with TLS waits for the client: then it is FTP_TLS=implicit' : 'A firewall may be in the way'}`;
  return `the connection to ${at} failed (${reason})`;
}
