/** What one FTP server was found to do. Shared by all sessions to it, and never more than a saving: without it everything takes more round trips. */
export interface ServerTraits {
  /** False once the server refused to rename over a file. */
  replacesOnRename: boolean;
  /** True once a listing had the directory itself among its entries. */
  namesItself: boolean;
  /** Whether commands sent together are answered one by one; undefined until a login has tried it. */
  pipelines: boolean | undefined;
  /** Whether SIZE may be sent after the last byte of an upload, before the server has confirmed it. */
  sizesEarly: boolean;
  /** Whether the server may be asked to store a file before there is anything to send. */
  opensAhead: boolean;
  /** The last transfer of any session: the next is likely of its kind. Undefined: nothing is prepared. */
  lastTransfer: LastTransfer | undefined;
  /** Empty files that sessions opened ahead and broke over: whoever has time deletes them. */
  readonly leftBehind: string[];
}

export type LastTransfer =
  | { readonly kind: 'download' }
  | {
      readonly kind: 'upload';
      /** Where the temporary file was: the next one goes there, too. */
      readonly directory: string;
    };

/** Nothing known yet, all to be tried. */
export function newServerTraits(): ServerTraits {
  return {
    replacesOnRename: true,
    namesItself: false,
    pipelines: undefined,
    sizesEarly: true,
    opensAhead: true,
    lastTransfer: undefined,
    leftBehind: [],
  };
}

/** For a session that shall do one thing at a time. */
export function plainServerTraits(): ServerTraits {
  return { ...newServerTraits(), pipelines: false, sizesEarly: false, opensAhead: false };
}
