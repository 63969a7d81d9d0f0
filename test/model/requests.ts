/** What clients ask: requests for several objects at a time, and listings, while something goes wrong. */
import type fc from 'fast-check';
import { describe, during, refuseFailure, untilAnswered, type Mishap } from './mishap';
import { etagOf, partsOf, type Listing, type S3Model, type Seen, type State } from './s3-model';
import { Unsure, type PageQuery } from './subject';
import type { World } from './world';

export type Command = fc.AsyncCommand<S3Model, World>;

interface Request {
  readonly key: string;
  run(model: S3Model, world: World): Promise<void>;
}

export class Write implements Request {
  constructor(
    readonly key: string,
    private readonly what: 'delete' | { readonly sizes: readonly number[]; readonly isMultipart: boolean },
  ) {}

  async run(model: S3Model, world: World): Promise<void> {
    const { key, what } = this;
    const state: State = what === 'delete' ? undefined : { number: ++world.versions, ...what };
    try {
      if (state) {
        const etag = await world.subject.put(key, state);
        if (etag !== etagOf(state)) throw new Error(`${key} was stored with the ETag ${etag}`);
      } else {
        await world.subject.delete(key);
      }
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

export class Read implements Request {
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

/** Requests for different keys at a time, while something goes wrong; then what came of each write that nobody can be sure of is asked for. */
export class Requests implements Command {
  constructor(
    private readonly requests: readonly (Write | Read)[],
    private readonly mishap: Mishap,
    private readonly inquiry: 'head' | 'get' | 'list',
  ) {}

  check(): boolean {
    return true;
  }

  async run(model: S3Model, world: World): Promise<void> {
    const files = new Map(this.requests.map(({ key }) => [key, world.file(key)?.read()]));
    await during(this.mishap, world, async (answered) => {
      const outcomes = await Promise.allSettled(
        this.requests.map((request) => request.run(model, world).then(answered)),
      );
      for (const outcome of outcomes) {
        if (outcome.status === 'fulfilled') continue;
        refuseFailure(outcome.reason, world, this.mishap);
      }
    });
    const unsure = [...files].filter(([key]) => model.states(key).length > 1);
    const states = unsure.map(([key]) => model.states(key));
    for (const [key] of unsure) await untilAnswered(world, () => this.#inquire(key, model, world));
    for (const [i, [key, file]] of unsure.entries()) matchFile(key, file, states[i] ?? [], model, world);
  }

  async #inquire(key: string, model: S3Model, world: World): Promise<void> {
    world.count(`inquiry by ${this.inquiry}`);
    if (this.inquiry === 'list') await observe(ALL, model, world);
    else await new Read(key, this.inquiry).run(model, world);
  }

  toString(): string {
    return `${this.requests.join(' & ')}${describe(this.mishap)}, asked for by ${this.inquiry}`;
  }
}

/** An object is written twice; the second time something goes wrong, and a listing may show no difference. */
export class Overwrite implements Command {
  constructor(
    private readonly writes: readonly [first: Write, second: Write],
    private readonly mishap: Mishap,
    private readonly inquiry: 'head' | 'get' | 'list',
  ) {}

  check(): boolean {
    return true;
  }

  async run(model: S3Model, world: World): Promise<void> {
    const [first, second] = this.writes;
    await new Requests([first], { kind: 'none' }, this.inquiry).run(model, world);
    await new Requests([second], this.mishap, this.inquiry).run(model, world);
  }

  toString(): string {
    return `${this.writes.join(', then ')}${describe(this.mishap)}, asked for by ${this.inquiry}`;
  }
}

/**
 * Throws unless what the model has of a key by now, its former state or what was written, is what lies on the FTP server: the same file as before, or
 * another.
 */
function matchFile(
  key: string,
  before: Buffer | undefined,
  states: readonly State[],
  model: S3Model,
  world: World,
): void {
  const [former, written] = states.map(etagOf);
  if (former === written) return;
  const after = world.file(key)?.read();
  const isSameFile = before && after ? before.equals(after) : before === after;
  const isFormer = etagOf(model.states(key)[0]) === former;
  if (isSameFile !== isFormer)
    throw new Error(`${key} is ${isFormer ? 'as before' : 'written'}, and its file is not`);
}

/** Every object of the bucket. */
export const ALL: PageQuery = { prefix: '', delimiter: '', after: '', maxKeys: 1000 };

/** Lists, page by page. */
export async function observe(query: PageQuery, model: S3Model, world: World): Promise<void> {
  const { prefix, delimiter, after } = query;
  model.observeListing(prefix, delimiter, after, await pagesOf(query, world));
}

export async function pagesOf(query: PageQuery, { subject }: World): Promise<Listing> {
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

export class List implements Command {
  constructor(
    private readonly query: PageQuery,
    private readonly mishap: Mishap,
  ) {}

  check(): boolean {
    return true;
  }

  async run(model: S3Model, world: World): Promise<void> {
    world.count('list');
    await during(this.mishap, world, async () => {
      try {
        await observe(this.query, model, world);
      } catch (error) {
        refuseFailure(error, world, this.mishap);
      }
    });
  }

  toString(): string {
    return `list ${JSON.stringify(this.query)}${describe(this.mishap)}`;
  }
}
