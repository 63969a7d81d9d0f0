import { Beginning } from './beginning';
import { EarlySizing } from './early-size';

/** What one FTP server was found to do. Shared by all sessions to it, and never more than a saving: without it everything takes more round trips. */
export interface ServerTraits {
  /** False once the server refused to rename over a file. */
  replacesOnRename: boolean;
  /** True once a listing had the directory itself among its entries. */
  namesItself: boolean;
  /** Whether commands sent together are answered one by one; undefined until a login has tried it. */
  pipelines: boolean | undefined;
  /** When SIZE is asked for behind the last byte of an upload, before the server has confirmed it. */
  readonly sizing: EarlySizing;
  /** Whether an upload's bytes may be sent before the server consents to it. */
  startsUploads: boolean;
  /** False once REST was refused where RETR had been sent along with it. */
  restartsAhead: boolean;
  /** Whether uploads may begin before there are bytes to send. */
  readonly beginning: Beginning;
  /** The group in which it exchanges keys for TLS, by OpenSSL's name; undefined until a login has shown it. */
  group: string | undefined;
}

/** Nothing known yet, all to be tried. */
export function newServerTraits(): ServerTraits {
  return {
    replacesOnRename: true,
    namesItself: false,
    pipelines: undefined,
    sizing: new EarlySizing(),
    startsUploads: true,
    restartsAhead: true,
    beginning: new Beginning(),
    group: undefined,
  };
}

/** For a session that shall do one thing at a time. */
export function plainServerTraits(): ServerTraits {
  return { ...newServerTraits(), pipelines: false, startsUploads: false };
}
