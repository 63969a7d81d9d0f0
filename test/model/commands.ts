/** What a run is made of: the keys, and how often which request, fault or event comes. */
import fc from 'fast-check';
import { ForeignFile, ForeignRemoval, Restart, Unreadable } from './events';
import { mishaps, mishapsOfLooks, mishapsOfRenames, untilAnswered } from './mishap';
import { ALL, List, observe, Overwrite, Read, Requests, Write, type Command } from './requests';
import type { S3Model } from './s3-model';
import type { PageQuery } from './subject';
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

/** Written over again and again. */
const HOT_KEYS = ['a/b', 'v/backups/1.cfg', 'v/blocks/0a/1.blk'] as const;

const key = fc.oneof(fc.constantFrom(...KEYS), fc.constantFrom(...HOT_KEYS));
const directory = fc.constantFrom(...DIRECTORIES);
/** An overwrite often changes nothing that a listing shows. */
const size = fc.oneof(
  { weight: 3, arbitrary: fc.constant(1_000) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 6_000 }) },
);
const write: fc.Arbitrary<Write> = fc
  .tuple(
    key,
    fc.oneof(
      { weight: 12, arbitrary: size.map((bytes) => ({ sizes: [bytes], isMultipart: false })) },
      { weight: 3, arbitrary: size.map((bytes) => ({ sizes: [bytes], isMultipart: true })) },
      { weight: 1, arbitrary: size.map((bytes) => ({ sizes: [MIN_PART, bytes], isMultipart: true })) },
      { weight: 4, arbitrary: fc.constant('delete' as const) },
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

const inquiry = fc.constantFrom('head', 'get', 'list');
const overwrite = fc.constantFrom(...HOT_KEYS).map((at): [Write, Write] => {
  const what = { sizes: [1_000], isMultipart: false };
  return [new Write(at, what), new Write(at, what)];
});

/** At most 40 of them, most of them requests. */
export function commands(): fc.Arbitrary<Iterable<Command>> {
  return fc.commands(
    [
      ...Array.from({ length: 8 }, () =>
        fc.tuple(requests, mishaps, inquiry).map((with_) => new Requests(...with_)),
      ),
      ...Array.from({ length: 2 }, () =>
        fc.tuple(overwrite, mishapsOfRenames, inquiry).map((with_) => new Overwrite(...with_)),
      ),
      ...Array.from({ length: 3 }, () => fc.tuple(query, mishaps).map((with_) => new List(...with_))),
      fc
        .tuple(fc.constantFrom('in order', 'by a crash', 'by a crash that loses the disk'), mishapsOfLooks)
        .map((with_) => new Restart(...with_)),
      fc
        .tuple(fc.nat(20), fc.constantFrom('remove', 'tear', 'put back', 'put back', 'add'))
        .map((with_) => new ForeignFile(KEYS, ...with_)),
      directory.map((at) => new ForeignRemoval(at)),
      fc.tuple(directory, fc.boolean()).map((with_) => new Unreadable(...with_)),
    ],
    { maxCommands: 40, size: 'max' },
  );
}

/** Everything is as the model has it. */
export async function checkAll(model: S3Model, world: World): Promise<void> {
  await untilAnswered(world, () => observe(ALL, model, world));
  for (const each of KEYS) await untilAnswered(world, () => new Read(each, 'get').run(model, world));
}
