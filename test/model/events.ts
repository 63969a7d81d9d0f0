/** What happens between requests: the gateway starts again, and others change files on the FTP server. */
import { describe, refuseFailure, untilAnswered, type Mishap } from './mishap';
import { ALL, List, observe, pagesOf, type Command } from './requests';
import type { S3Model } from './s3-model';
import type { World } from './world';

/** And everything is listed, which has to be proved first, while something goes wrong. */
export class Restart implements Command {
  constructor(
    private readonly how: 'in order' | 'by a crash' | 'by a crash that loses the disk',
    private readonly mishap: Mishap,
  ) {}

  check(): boolean {
    return true;
  }

  async run(model: S3Model, world: World): Promise<void> {
    const { host } = world;
    world.count(`restart ${this.how}`);
    if (this.how === 'in order') {
      // While the server is away, no stop is in order.
      await lookAgain(world);
      await host.stopInOrder();
    } else {
      host.die();
      await host.revive(this.how === 'by a crash that loses the disk');
    }
    await new List(ALL, this.mishap).run(model, world);
  }

  toString(): string {
    return `restart ${this.how}, list${describe(this.mishap)}`;
  }
}

/** What others do to one object's file, found by a crawl. Only where it is certain what is there. */
export class ForeignFile implements Command {
  constructor(
    private readonly keys: readonly string[],
    /** Which of them that it can be done to, counted round. */
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
    const keys = this.keys.filter((each) => {
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

export class ForeignRemoval implements Command {
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

/** Nobody may look into a directory for a while, in which the gateway starts again and has to prove it. */
export class Unreadable implements Command {
  constructor(
    private readonly directory: string,
    private readonly losesDisk: boolean,
  ) {}

  check(): boolean {
    return true;
  }

  async run(model: S3Model, world: World): Promise<void> {
    if (!world.setReadable(this.directory.split('/'), false)) return;
    world.count('unreadable directory');
    world.host.die();
    await world.host.revive(this.losesDisk);
    world.trouble();
    try {
      await observe(ALL, model, world);
    } catch (error) {
      refuseFailure(error, world);
    } finally {
      world.setReadable(this.directory.split('/'), true);
    }
    world.trouble();
  }

  toString(): string {
    return `behind it: ${this.directory}/ is unreadable during a restart by a crash${this.losesDisk ? ' that loses the disk' : ''}`;
  }
}

/** Everything is looked at on the FTP server, proved or not. */
async function lookAgain(world: World): Promise<void> {
  await untilAnswered(world, () => pagesOf(ALL, world));
  while (!(await world.host.lookAgain()))
    if (!world.isTroubled) throw new Error('a crawl could not look at everything');
}
