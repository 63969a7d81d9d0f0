/** Tries for real what the gateway needs of an FTP account, in a directory of its own that it removes again. */

import { randomBytes } from 'node:crypto';
import { ftpAccount, ftpTree, type FtpConfig } from '../ftp-config';
import type { FtpRemoteTree } from '../ftp/ftp-remote-tree';
import { RemoteFull } from '../ftp/remote-tree';
import { FtpSession } from '../ftp/session';
import { explainLogin } from './explain-login';

/** What one step of the trial showed. */
export interface Step {
  readonly step: string;
  /** `note`: it works, and somebody may want to know how. */
  readonly verdict: 'ok' | 'note' | 'problem';
  readonly text: string;
}

export interface Trial {
  readonly steps: readonly Step[];
  /** Whether the gateway can work with this account. */
  readonly usable: boolean;
  /** Variables of the gateway that follow, other than the defaults. */
  readonly settings: Readonly<Record<string, string>>;
}

/** More connections than this gain nothing for a backup. */
const MOST_CONNECTIONS = 12;
const DEFAULT_CONNECTIONS = 4;
const FILE_SIZE = 1024 * 1024;
/** The longest name that the gateway writes, of the characters that are most often in the way. */
const LONG_NAME = `%2E-_.${'n'.repeat(194)}`;
const PINGS = 5;
/** A person waits: faults are not ridden out here. */
const DEADLINE_MS = 20_000;

/** Ends a trial whose next step needs what failed. */
class Stop extends Error {}

/** Never throws: what fails is a step. `onStep` hears of each as it ends. */
export async function tryAccount(
  config: FtpConfig,
  onStep: (step: Step) => void = () => undefined,
): Promise<Trial> {
  const steps: Step[] = [];
  const settings: Record<string, string> = {};
  const note = (step: string, verdict: Step['verdict'], text: string): void => {
    steps.push({ step, verdict, text });
    onStep({ step, verdict, text });
  };
  const tree = ftpTree({ ...config, connections: 1, retryMs: DEADLINE_MS });
  const directory = `${config.root === '/' ? '' : config.root}/longhaul-check-${randomBytes(4).toString('hex')}`;
  try {
    await logIn(config, note);
    await attempt('directory', note, () => makeDirectories(tree, directory));
    try {
      await useFiles(tree, directory, note);
    } finally {
      await attempt('clean up', note, () => cleanUp(tree, directory));
    }
    await tree.close(0);
    const limit = await countConnections(config, note);
    if (limit <= DEFAULT_CONNECTIONS) {
      // One stays free for whoever looks at the account meanwhile.
      settings['FTP_CONNECTIONS'] = String(Math.max(1, limit - 1));
    }
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
  } finally {
    await tree.close(0);
  }
  return { steps, usable: steps.every(({ verdict }) => verdict !== 'problem'), settings };
}

type Note = (step: string, verdict: Step['verdict'], text: string) => void;

/** Notes what `run` says; a failure is a problem, and ends the trial. */
async function attempt(
  step: string,
  note: Note,
  run: () => Promise<string | { readonly noted: string }>,
): Promise<void> {
  try {
    const result = await run();
    if (typeof result === 'string') note(step, 'ok', result);
    else note(step, 'note', result.noted);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    note(step, 'problem', error instanceof RemoteFull ? `the account has no space left (${text})` : text);
    throw new Stop();
  }
}

async function logIn(config: FtpConfig, note: Note): Promise<void> {
  await attempt('login', note, async () => {
    const session = await FtpSession.open(ftpAccount(config), { silenceMs: config.stallMs }).catch(
      (error: unknown) => {
        throw new Error(explainLogin(error, config), { cause: error });
      },
    );
    try {
      const started = performance.now();
      for (let ping = 0; ping < PINGS; ping += 1) await session.noop();
      const roundTrip = `a round trip takes ${((performance.now() - started) / PINGS).toFixed(1)} ms`;
      if (config.tls !== 'off') return `${config.tls} TLS; ${roundTrip}`;
      return { noted: `without TLS: the password crosses the network in the clear; ${roundTrip}` };
    } finally {
      session.close();
    }
  });
}

async function makeDirectories(tree: FtpRemoteTree, directory: string): Promise<string> {
  const names = directory.split('/').slice(1);
  for (const [index] of names.entries()) await tree.makeDir(`/${names.slice(0, index + 1).join('/')}`);
  return `${directory} can be made`;
}

async function useFiles(tree: FtpRemoteTree, directory: string, note: Note): Promise<void> {
  const [first, second] = [randomBytes(FILE_SIZE), randomBytes(FILE_SIZE / 2)];
  const target = `${directory}/${LONG_NAME}`;
  let count = 0;
  const put = (bytes: Buffer) =>
    tree.putFile({
      temporary: `${directory}/temporary-${(count += 1)}`,
      target,
      aside: `${target.slice(0, -2)}%a`,
      body: () => only(bytes),
      replayable: true,
    });
  await attempt('store', note, async () => {
    const started = performance.now();
    await put(first);
    return `1 MiB in ${Math.round(performance.now() - started)} ms, renamed into place under a name of 200 characters`;
  });
  await attempt('replace', note, async () =>
    (await put(second)).committedBy === 'rename'
      ? 'a file is replaced by one rename'
      : {
          noted:
            'the server does not rename over a file: the old one is moved aside first, which takes more round trips',
        },
  );
  await attempt('read back', note, async () => {
    if (!(await contentOf(tree, target, 0)).equals(second))
      throw new Error('the file came back with other bytes than were stored: do not use this account');
    const start = second.length - 1000;
    if (!(await contentOf(tree, target, start)).equals(second.subarray(start)))
      throw new Error('the server does not go on at the byte asked for (REST): do not use this account');
    return 'identical, whole and from an offset';
  });
  await attempt('list', note, async () => {
    const listing = await tree.list(directory);
    const names = listing.outcome === 'listed' ? listing.entries.map(({ name }) => name) : [];
    if (!names.includes(LONG_NAME))
      throw new Error(
        `the server lists ${names.length === 0 ? 'nothing' : names.join(', ')}, and not the file that is there`,
      );
    const missing = await tree.list(`${directory}/missing`);
    if (missing.outcome === 'refused') return 'complete; a missing directory is refused';
    return {
      noted:
        'complete; a missing directory looks empty, so the gateway proves each empty listing another way',
    };
  });
}

async function* only(bytes: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(bytes);
}

async function contentOf(tree: FtpRemoteTree, path: string, start: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of tree.read(path, { start })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function cleanUp(tree: FtpRemoteTree, directory: string): Promise<string> {
  const listing = await tree.list(directory);
  for (const { name } of listing.outcome === 'listed' ? listing.entries : [])
    await tree.remove(`${directory}/${name}`);
  await tree.removeDir(directory);
  return 'files and directories can be deleted; nothing is left';
}

/** How many sessions the server lets in at a time, as far as that matters. */
async function countConnections(config: FtpConfig, note: Note): Promise<number> {
  const sessions: FtpSession[] = [];
  try {
    while (sessions.length < MOST_CONNECTIONS)
      sessions.push(await FtpSession.open(ftpAccount(config), { silenceMs: config.stallMs }));
    note('connections', 'ok', `${MOST_CONNECTIONS} at a time, and perhaps more`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (sessions.length === 0) note('connections', 'problem', reason);
    else note('connections', 'note', `${sessions.length} at a time; one more was turned away (${reason})`);
  } finally {
    for (const session of sessions) session.close();
  }
  return sessions.length;
}
