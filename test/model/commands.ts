/** What happens to a store: requests, faults, crashes, and what others do on the FTP server. */
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import type { Moment } from '../chaos/connection-relay';
import { partsOf, type Listing, type S3Model, type Seen, type Version } from './s3-model';
import { Unsure, type PageQuery } from './subject';
import type { World } from './world';

/** Keys that meet in directories, and that are easily taken for one another. */
const KEYS = [
  'a',
  'a/b',
  'a/b/c',
  'a/b/d',
  'a//b',
  'a/é',
  'v/backups/1.cfg',
  'v/backups/2.cfg',
  'v/blocks/0a/1.blk',
  'v/blocks/0a/2.blk',
  'v/blocks/0b/3.blk',
  'v/blocks0',
  `long/${'x'.repeat(300)}/1`,
] as const;

const PREFIXES = ['', 'a', 'a/', 'a/b', 'v/', 'v/b', 'v/blocks/', 'v/backups/', 'none/', 'long/'] as const;
const DIRECTORIES = ['a/b', 'v/backups', 'v/blocks/0a', 'v/blocks', 'long'] as const;
const MIN_PART = 5 * 2 ** 20;

type Command = fc.AsyncCommand<S3Model, World>;

type Mishap =
  | { readonly kind: 'none' }
  | { readonly kind: 'cut' | 'outage' | 'server death'; readonly at: Moment; readonly ms: number }
  | { readonly kind: 'crash'; readonly at: Moment; readonly losesDisk: boolean };

/** Runs requests while something goes wrong, and comes back when all of it is over. */
async function during(mishap: Mishap, world: World, requests: () => Promise<void>): Promise<void> {
  const { relay, server, host } = world;
  if (mishap.kind === 'none') return requests();
  let over: () => Promise<unknown> = () => Promise.resolve();
  relay.at(mishap.at, () => {
    world.count(mishap.kind);
    if (mishap.kind === 'crash') {
      host.die();
      over = () => host.revive(mishap.losesDisk);
    } else if (mishap.kind === 'server death') {
      const back = server
        .kill()
        .then(() => sleep(mishap.ms))
        .then(() => server.start());
      over = () => back;
    } else {
      relay.cut(mishap.kind === 'outage' ? mishap.ms : 0);
    }
  });
  await requests();
  relay.calm();
  await over();
  world.trouble();
}

/** Where nothing goes wrong, everything has to be answered. */
function refuseFailure(error: unknown, world: World, mishap: Mishap = { kind: 'none' }): void {
  if (!(error instanceof Unsure) || (mishap.kind === 'none' && !world.isTroubled)) throw error;
}

interface Request {
  readonly key: string;
  run(model: S3Model, world: World): Promise<void>;
}

class Write implements Request {
  constructor(
    readonly key: string,
    private readonly what: 'delete' | { readonly sizes: readonly number[]; readonly isMultipart: boolean },
  ) {}

  async run(model: S3Model, world: World): Promise<void> {
    const { key, what } = this;
    const state: Version | undefined = what === 'delete' ? undefined : { number: ++world.versions, ...what };
    try {
      await (state ? world.subject.put(key, state) : world.subject.delete(key));
      model.is(key, state);
      if (state) world.keep(key, state);
      world.count('write');
    } catch (error) {
      if (!(error instanceof Unsure)) throw error;
      model.mayBe(key, state);
      world.count('unsure write');
      throw error;
    }
  }

  toString(): string {
    const { key, what } = this;
    return what === 'delete'
      ? `delete ${key}`
      : `put ${key} of ${what.sizes.join('+')}${what.isMultipart ? ' in parts' : ''}`;
  }
}

class Read implements Request {
  constructor(
    readonly key: string,
    private readonly how: 'head' | 'get',
  ) {}

  async run(model: S3Model, { subject }: World): Promise<void> {
    if (this.how === 'head') return model.observe(this.key, await subject.head(this.key));
    const found = await subject.get(this.key);
    model.observe(this.key, found);
    const [version] = model.states(this.key);
    if (found && version && !found.bytes.equals(Buffer.concat(partsOf(version))))
      throw new Error(`${this.key} has other bytes than its ETag says`);
  }

  toString(): string {
    return `${this.how} ${this.key}`;
  }
}

/** Requests for different keys at a time, while something goes wrong. */
class Requests implements Command {
  constructor(
    private readonly requests: readonly (Write | Read)[],
    private readonly mishap: Mishap,
  ) {}

  check(): boolean {
    return true;
  }

  async run(model: S3Model, world: World): Promise<void> {
    await during(this.mishap, world, async () => {
      const outcomes = await Promise.allSettled(this.requests.map((request) => request.run(model, world)));
      for (const outcome of outcomes) {
        if (outcome.status === 'fulfilled') continue;
        refuseFailure(outcome.reason, world, this.mishap);
      }
    });
  }

  toString(): string {
    return `${this.requests.join(' & ')}${describe(this.mishap)}`;
  }
}

async function listAll({ subject }: World, query: PageQuery): Promise<Listing> {
  const [objects, commonPrefixes]: [(Seen & { key: string })[], string[]] = [[], []];
  for (let after: string | undefined = query.after; after !== undefined;) {
    const page = await subject.page({ ...query, after });
    const count = page.objects.length + page.commonPrefixes.length;
    if (page.next !== undefined && count !== query.maxKeys)
      throw new Error(`a page of ${count} goes on, and ${query.maxKeys} were asked for`);
    objects.push(...page.objects);
    commonPrefixes.push(...page.commonPrefixes);
    after = page.next;
  }
  return { objects, commonPrefixes };
}

class List implements Command {
  constructor(
    private readonly query: PageQuery,
    private readonly mishap: Mishap,
  ) {}

  check(): boolean {
    return true;
  }

  async run(model: S3Model, world: World): Promise<void> {
    const { prefix, delimiter, after } = this.query;
    world.count('list');
    await during(this.mishap, world, async () => {
      try {
        model.observeListing(prefix, delimiter, after, await listAll(world, this.query));
      } catch (error) {
        refuseFailure(error, world, this.mishap);
      }
    });
  }

  toString(): string {
    return `list ${JSON.stringify(this.query)}${describe(this.mishap)}`;
  }
}

class Restart implements Command {
  constructor(private readonly how: 'in order' | 'by a crash' | 'by a crash that loses the disk') {}

  check(): boolean {
    return true;
  }

  async run(_model: S3Model, world: World): Promise<void> {
    const { host } = world;
    world.count(`restart ${this.how}`);
    if (this.how === 'in order') {
      // While the server is away, no stop is in order.
      await lookAgain(world);
      return host.stopInOrder();
    }
    host.die();
    await host.revive(this.how === 'by a crash that loses the disk');
  }

  toString(): string {
    return `restart ${this.how}`;
  }
}

/** What others do to one object's file, found by a crawl. Only where it is certain what is there. */
class ForeignFile implements Command {
  constructor(
    /** Which of the keys that it can be done to, counted round. */
    private readonly which: number,
    private readonly what: 'remove' | 'tear' | 'put back' | 'add',
  ) {}

  check(model: Readonly<S3Model>): boolean {
    return this.#keyIn(model) !== undefined;
  }

  async run(model: S3Model, world: World): Promise<void> {
    if (!this.#change(model, world)) return;
    world.count(`foreign ${this.what}`);
    await lookAgain(world);
  }

  #keyIn(model: Readonly<S3Model>): string | undefined {
    const keys = KEYS.filter((each) => {
      const [state, ...others] = model.states(each);
      return others.length === 0 && (this.what === 'add' ? !state : state !== undefined);
    });
    return keys[this.which % keys.length];
  }

  #change(model: S3Model, world: World): boolean {
    const { what } = this;
    const key = this.#keyIn(model) ?? '';
    const [state] = model.states(key);
    const file = world.file(key);
    if (!state) return !file && world.writeFile(key, Buffer.from('of another program'));
    if (!file) throw new Error(`${key} has no file`);
    if (what === 'put back') return this.#putBack(key, model, world);
    if (what === 'remove') file.remove();
    else file.cutTo(file.size - 1);
    model.is(key, undefined);
    return true;
  }

  /** An older version of the same object, whole. One of the same size cannot be told by a listing. */
  #putBack(key: string, model: S3Model, world: World): boolean {
    const kept = world.kept.get(key);
    if (!kept || kept.bytes.length === world.file(key)?.size || !world.writeFile(key, kept.bytes))
      return false;
    model.is(key, kept.version);
    return true;
  }

  toString(): string {
    return `behind it: ${this.what} the ${this.which}th file`;
  }
}

class ForeignRemoval implements Command {
  constructor(private readonly directory: string) {}

  check(): boolean {
    return true;
  }

  async run(model: S3Model, world: World): Promise<void> {
    world.count('foreign removal');
    world.removeDirectory(this.directory.split('/'));
    for (const key of model.keys) if (key.startsWith(`${this.directory}/`)) model.is(key, undefined);
    await lookAgain(world);
  }

  toString(): string {
    return `behind it: remove all of ${this.directory}/`;
  }
}

function describe(mishap: Mishap): string {
  if (mishap.kind === 'none') return '';
  const { at, kind } = mishap;
  const how = kind === 'crash' ? (mishap.losesDisk ? ' that loses the disk' : '') : `, ${mishap.ms} ms`;
  return ` with ${kind} at ${at.of} ${at.count}${how}`;
}

const key = fc.constantFrom(...KEYS);
const moment = fc.record({
  of: fc.constantFrom('commands', 'replies'),
  count: fc.integer({ min: 1, max: 25 }),
});
const mishap: fc.Arbitrary<Mishap> = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ kind: 'none' }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('cut', 'cut', 'outage', 'server death'),
      at: moment,
      ms: fc.integer({ min: 50, max: 1_500 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash'), at: moment, losesDisk: fc.boolean() }) },
);
const size = fc.integer({ min: 0, max: 6_000 });
const write: fc.Arbitrary<Write> = fc
  .tuple(
    key,
    fc.oneof(
      { weight: 12, arbitrary: size.map((bytes) => ({ sizes: [bytes], isMultipart: false })) },
      { weight: 3, arbitrary: size.map((bytes) => ({ sizes: [bytes], isMultipart: true })) },
      { weight: 1, arbitrary: size.map((bytes) => ({ sizes: [MIN_PART, bytes], isMultipart: true })) },
      { weight: 6, arbitrary: fc.constant('delete' as const) },
    ),
  )
  .map(([at, what]) => new Write(at, what));
const read = fc.tuple(key, fc.constantFrom('head', 'get')).map(([at, how]) => new Read(at, how));
const requests = fc.uniqueArray(fc.oneof({ weight: 3, arbitrary: write }, { weight: 1, arbitrary: read }), {
  minLength: 1,
  maxLength: 3,
  selector: (each) => each.key,
});
const query: fc.Arbitrary<PageQuery> = fc.record({
  prefix: fc.constantFrom(...PREFIXES),
  delimiter: fc.constantFrom('', '/', '/', 'b'),
  after: fc.constantFrom('', '', '', ...KEYS),
  maxKeys: fc.constantFrom(1, 2, 3, 1000),
});

/** At most 40 of them, most of them requests. */
export function commands(): fc.Arbitrary<Iterable<Command>> {
  return fc.commands(
    [
      ...Array.from({ length: 8 }, () => fc.tuple(requests, mishap).map((with_) => new Requests(...with_))),
      ...Array.from({ length: 3 }, () => fc.tuple(query, mishap).map((with_) => new List(...with_))),
      fc
        .constantFrom('in order', 'by a crash', 'by a crash that loses the disk')
        .map((how) => new Restart(how)),
      fc
        .tuple(fc.nat(20), fc.constantFrom('remove', 'tear', 'put back', 'put back', 'add'))
        .map((with_) => new ForeignFile(...with_)),
      fc.constantFrom(...DIRECTORIES).map((directory) => new ForeignRemoval(directory)),
    ],
    { maxCommands: 40, size: 'max' },
  );
}

/** Everything is as the model has it. */
export async function checkAll(model: S3Model, world: World): Promise<void> {
  await untilAnswering(world);
  const all = { prefix: '', delimiter: '', after: '', maxKeys: 1000 };
  model.observeListing('', '', '', await listAll(world, all));
  for (const each of KEYS) await new Read(each, 'get').run(model, world);
}

async function lookAgain(world: World): Promise<void> {
  await untilAnswering(world);
  while (!(await world.host.lookAgain()))
    if (!world.isTroubled) throw new Error('a crawl could not look at everything');
}

/** After what went wrong is over, every directory can be proved within a short time. */
async function untilAnswering(world: World): Promise<void> {
  const everything = { prefix: '', delimiter: '', after: '', maxKeys: 1000 };
  for (;;) {
    try {
      await listAll(world, everything);
      return;
    } catch (error) {
      refuseFailure(error, world);
    }
  }
}
