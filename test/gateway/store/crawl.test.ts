/** What is answered while a crawl from nothing has only come so far: on real servers, over a slow line, with objects coming and going meanwhile. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { FtpRemoteTree } from '../../../gateway/ftp/ftp-remote-tree';
import { DEFAULT_ATTRIBUTES } from '../../../gateway/store/object-record';
import { bodyOf } from '../../support/bodies';
import { availableServers, startServer, type FtpServer } from '../../support/ftp-servers';
import { accountOf } from '../../support/ftp-servers/test-servers';
import { SlowLine } from '../../support/slow-line';
import { StoreRig } from '../../support/store-rig';
import { Ledger } from './ledger';

const ROUND_TRIP_MS = 10;
const CONNECTIONS = 4;
const OBJECTS = 100;
const ASKERS = 4;
const WRITERS = 2;

const ref = (key: string) => ({ bucket: 'bucket', key });
/** In directories as Longhorn's, of which most hold one object. */
const keyOf = (index: number): string => {
  const name = createHash('sha256').update(String(index)).digest('hex');
  return `v/blocks/0${parseInt(name[0] ?? '', 16) % 4}/${name.slice(1, 3)}/${name}.blk`;
};
const isSlowDown = (error: unknown): boolean => (error as { code?: unknown }).code === 'SlowDown';
const anyOf = <T>(items: readonly T[]): T => items[Math.floor(Math.random() * items.length)]!;

// Where no real server is found, the other suites say so.
const kinds = availableServers();
const suite = kinds.length > 0 ? describe.each(kinds) : describe.skip.each(['no server'] as never[]);

suite('during a crawl from nothing, on %s', (kind) => {
  let server: FtpServer;
  let line: SlowLine;
  let tree: FtpRemoteTree;
  let rig: StoreRig;
  let ledger: Ledger;

  const treeOver = (host: string) =>
    new FtpRemoteTree({
      account: { ...accountOf(server), host },
      pool: { maxSessions: CONNECTIONS },
      timeouts: { silenceMs: 2_000 },
      retry: { deadlineMs: 20_000, firstPauseMs: 20, longestPauseMs: 200 },
    });

  beforeEach(async () => {
    server = await startServer(kind);
    const { host, port, passivePorts } = server;
    line = await SlowLine.start({ host, port, passivePorts, roundTripMs: ROUND_TRIP_MS });
    ledger = new Ledger();
    const direct = treeOver(host);
    rig = new StoreRig({ tree: direct, rootPath: '/files/gateway' });
    const waiting = Array.from({ length: OBJECTS }, (_, index) => keyOf(index)).values();
    await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => {
        for (const key of waiting) await put(key);
      }),
    );
    tree = treeOver(line.host);
    await rig.restart(true, { tree });
    await direct.close(200);
  });

  afterEach(async () => {
    await rig.close();
    await tree.close(200);
    await line.stop();
    await server.stop();
  });

  const put = (key: string) =>
    ledger.change(
      key,
      true,
      async () => void (await rig.store.put(ref(key), bodyOf(key), DEFAULT_ATTRIBUTES)),
    );
  const remove = (key: string) => ledger.change(key, false, () => rig.store.delete(ref(key)));

  /** From the first page to the last, and compared with what was there all that time. */
  async function list(prefix: string, delimiter: string, maxKeys: number): Promise<void> {
    const since = ledger.now;
    const names: string[] = [];
    for (let after: string | undefined = ''; after !== undefined;) {
      const page = await rig.store.list('bucket', { prefix, delimiter, after, maxKeys });
      const shown = [...page.objects.map(({ key }) => key), ...page.commonPrefixes].sort();
      expect(shown.length).toBeLessThanOrEqual(maxKeys);
      names.push(...shown);
      after = page.next;
    }
    ledger.compare(names, { prefix, delimiter, since });
  }

  async function head(key: string): Promise<void> {
    const since = ledger.now;
    const isThere = (await rig.store.stat(ref(key))) !== undefined;
    expect(ledger.mayBe(key, since)).toContain(isThere);
  }

  /** Any prefix of any key, most often one of a whole directory. */
  function anyPrefix(): string {
    const key = keyOf(Math.floor(Math.random() * OBJECTS));
    const cut = Math.random() < 0.3 ? Math.floor(Math.random() * key.length) : key.lastIndexOf('/') + 1;
    return key.slice(0, cut);
  }

  async function ask(): Promise<void> {
    if (Math.random() < 0.3) return head(keyOf(Math.floor(Math.random() * OBJECTS * 1.2)));
    await list(anyPrefix(), anyOf(['', '/']), anyOf([1, 3, 1000]));
  }

  async function write(): Promise<void> {
    const key = keyOf(Math.floor(Math.random() * OBJECTS * 1.2));
    await (Math.random() < 0.5 ? put(key) : remove(key));
  }

  it.each([
    ['while all is well', () => Promise.resolve()],
    ['and when the server dies on the way', () => server.restart()],
  ])('tells everything that is there and nothing else, or to come back, %s', async (_name, mishap) => {
    let [answers, refusals] = [0, 0];
    const crawled = rig.crawl();
    const isOver = () => rig.catalog.isProvedWhole && rig.store.crawler.progress.checks > 0;
    const during = (count: number, act: () => Promise<void>, pauseMs: number) =>
      Array.from({ length: count }, async () => {
        while (!isOver()) {
          try {
            await act();
            if (!rig.catalog.isProvedWhole) answers += 1;
          } catch (error) {
            if (!isSlowDown(error)) throw error;
            refusals += 1;
          }
          await sleep(pauseMs);
        }
      });
    const players = [...during(ASKERS, ask, 5), ...during(WRITERS, write, 20)];
    await sleep(500);
    await mishap();
    await Promise.all([crawled, ...players]);
    expect(answers).toBeGreaterThan(20);
    expect(refusals).toBeLessThan(answers);
    // What was proved is answered from memory.
    const before = tree.stats().commands.get('MLSD');
    await list('', '', 1000);
    await list('v/blocks/', '/', 1000);
    expect(tree.stats().commands.get('MLSD')).toBe(before);
    expect(rig.store.stats).toMatchObject({
      settler: { foreignChanges: 0, unreadable: 0 },
      directories: { lostDirectories: 0, foreignNames: 0 },
    });
  });
});
