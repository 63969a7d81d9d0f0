/** A remote tree in memory: shows what the store does between the calls of a server that fails at a chosen moment. */

import {
  RemoteFull,
  RemoteRefused,
  RemoteUnavailable,
  type FileToPut,
  type Listing,
  type ReadOptions,
  type RemoteEntry,
  type RemoteTree,
  type RemoteTreeStats,
  type StoredFile,
} from '../../gateway/ftp/remote-tree';
import { FtpTally } from '../../gateway/ftp/tally';

/** A call of the tree, and the path it is about. */
export interface TreeCall {
  readonly method: keyof RemoteTree;
  readonly path: string;
}

/** `before`: the call fails and did nothing. `after`: it fails although it was done. */
export type Fault = 'before' | 'after' | undefined;

export class MemoryTree implements RemoteTree {
  readonly files = new Map<string, Buffer>();
  readonly directories = new Set<string>(['/']);
  readonly calls: TreeCall[] = [];
  /** Asked at every call; what it answers happens. */
  fault: (call: TreeCall) => Fault = () => undefined;
  /** Directories that the server lists as empty, without an error, as vsftpd does with unreadable ones. */
  readonly unreadable = new Set<string>();
  /** Bytes of all files that the account holds at most. */
  capacityBytes = Infinity;

  async list(directory: string): Promise<Listing> {
    return this.#call('list', directory, () => {
      if (this.unreadable.has(directory)) return { outcome: 'unproved', suspicious: false };
      if (!this.directories.has(directory)) return { outcome: 'refused', replyCode: 550 };
      const entries: RemoteEntry[] = [];
      for (const path of this.directories) {
        if (path !== '/' && parentOf(path) === directory)
          entries.push({ name: nameOf(path), type: 'directory' });
      }
      for (const [path, bytes] of this.files) {
        if (parentOf(path) === directory)
          entries.push({ name: nameOf(path), type: 'file', size: bytes.length });
      }
      return { outcome: 'listed', entries };
    });
  }

  async isDirectory(path: string): Promise<boolean> {
    return this.#call('isDirectory', path, () => this.directories.has(path) && !this.unreadable.has(path));
  }

  async size(path: string): Promise<number | undefined> {
    return this.#call('size', path, () => this.files.get(path)?.length);
  }

  async *read(path: string, { start = 0, end }: ReadOptions = {}): AsyncGenerator<Buffer> {
    const bytes = await this.#call('read', path, () => this.files.get(path));
    const stop = end ?? bytes?.length ?? 0;
    if (!bytes || stop > bytes.length) throw new RemoteRefused(`RETR ${path}`, 550);
    for (let at = start; at < stop; at += 1000) yield bytes.subarray(at, Math.min(at + 1000, stop));
  }

  async putFile(file: FileToPut): Promise<StoredFile> {
    const { temporary, target, aside } = file;
    const chunks: Buffer[] = [];
    for await (const chunk of file.body()) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const { newDirectories } = file;
    if (newDirectories) await newDirectories.made(await this.makeDirs(newDirectories.paths));
    await file.mayCommit?.();
    const movesAside = (file.keepsReplaced?.() ?? false) && this.files.has(target);
    if (movesAside) await this.rename(target, aside);
    return this.#call('putFile', target, () => {
      const stored = [...this.files.values()].reduce((sum, { length }) => sum + length, 0);
      if (stored + bytes.length > this.capacityBytes) throw new RemoteFull('STOR: 552 Quota exceeded.');
      if (!this.directories.has(parentOf(temporary))) throw new RemoteRefused(`STOR ${temporary}`, 553);
      this.#makeParents(target);
      if (this.directories.has(target)) throw new RemoteRefused(`RNTO ${target}`, 550);
      this.files.set(target, bytes);
      return { size: bytes.length, committedBy: movesAside ? 'aside' : 'rename' };
    });
  }

  async remove(path: string): Promise<void> {
    return this.#call('remove', path, () => void this.files.delete(path));
  }

  async rename(from: string, to: string): Promise<void> {
    return this.#call('rename', from, () => {
      const bytes = this.files.get(from);
      if (bytes) {
        if (!this.directories.has(parentOf(to))) throw new RemoteRefused(`RNTO ${to}`, 550);
        this.files.set(to, bytes);
        this.files.delete(from);
        return;
      }
      if (!this.directories.has(from)) throw new RemoteRefused(`RNFR ${from}`, 550);
      const moved = (path: string): string => to + path.slice(from.length);
      for (const path of [...this.directories].filter((p) => p === from || p.startsWith(`${from}/`))) {
        this.directories.delete(path);
        this.directories.add(moved(path));
      }
      for (const [path, content] of [...this.files].filter(([p]) => p.startsWith(`${from}/`))) {
        this.files.delete(path);
        this.files.set(moved(path), content);
      }
    });
  }

  async makeDir(path: string): Promise<'created' | 'existed'> {
    return this.#call('makeDir', path, () => {
      if (this.directories.has(path)) return 'existed';
      if (!this.directories.has(parentOf(path))) throw new RemoteRefused(`MKD ${path}`, 550);
      this.directories.add(path);
      return 'created';
    });
  }

  async makeDirs(paths: readonly string[]): Promise<('created' | 'existed')[]> {
    const outcomes: ('created' | 'existed')[] = [];
    for (const path of paths) outcomes.push(await this.makeDir(path));
    return outcomes;
  }

  async removeDir(path: string): Promise<void> {
    return this.#call('removeDir', path, () => {
      const isUsed = [...this.files.keys(), ...this.directories].some(
        (p) => parentOf(p) === path && p !== '/',
      );
      if (isUsed) throw new RemoteRefused(`RMD ${path}`, 550);
      this.directories.delete(path);
    });
  }

  home(): Promise<string> {
    return Promise.resolve('/');
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  stats(): RemoteTreeStats {
    const connections = { busy: 0, idle: 0, waiting: 0, limit: 1, opened: 0, broken: 0, failedLogins: 0 };
    return {
      ...new FtpTally(),
      connections,
      retries: 0,
      bytesSent: 0,
      bytesReceived: 0,
      fullSince: undefined,
      replacesOnRename: true,
    };
  }

  availableBytes(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async #call<T>(method: keyof RemoteTree, path: string, act: () => T): Promise<T> {
    await new Promise((resolve) => setImmediate(resolve));
    const call = { method, path };
    this.calls.push(call);
    const fault = this.fault(call);
    if (fault === 'before') throw new RemoteUnavailable(`${method} ${path}`);
    const result = act();
    if (fault === 'after') throw new RemoteUnavailable(`reply to ${method} ${path}`);
    return result;
  }

  #makeParents(path: string): void {
    for (let parent = parentOf(path); parent !== '/'; parent = parentOf(parent)) this.directories.add(parent);
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
