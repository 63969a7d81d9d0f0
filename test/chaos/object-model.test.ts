import { contentOf, isContentOfOne, isSizeOfOne, ObjectModel, type Version } from './object-model';
import { SeededRandom } from './random';

const one: Version = { number: 1, size: 100 };
const two: Version = { number: 2, size: 100 };

async function states(model: ObjectModel, key: string): Promise<unknown[]> {
  return [...(await model.during(key, () => Promise.resolve())).states];
}

describe('the model of what a store may hold', () => {
  it('allows both outcomes of a request that nobody acknowledged', async () => {
    const model = new ObjectModel();
    model.attempted('a', one);
    expect(await states(model, 'a')).toEqual(['absent', one]);
    expect(model.mustExist('a')).toBe(false);
  });

  it('allows nothing but what was acknowledged', async () => {
    const model = new ObjectModel();
    model.attempted('a', one);
    model.attempted('a', two);
    model.acknowledged('a', two);
    expect(await states(model, 'a')).toEqual([two]);
    expect(model.mustExist('a')).toBe(true);
  });

  it('allows a reader what was there at any time while it read', async () => {
    const model = new ObjectModel();
    const { states: seen } = await model.during('a', () => {
      model.attempted('a', one);
      model.acknowledged('a', one);
      model.attempted('a', two);
      return Promise.resolve();
    });
    expect([...seen]).toEqual(['absent', one, two]);
  });

  it('tells the bytes of one version from those of another of the same size', () => {
    expect(isContentOfOne(contentOf(one), new Set([one]))).toBe(true);
    expect(isContentOfOne(contentOf(two), new Set([one]))).toBe(false);
    expect(isContentOfOne(contentOf(one).subarray(1), new Set([one]))).toBe(false);
    expect(isSizeOfOne(100, new Set([one]))).toBe(true);
    expect(isSizeOfOne(99, new Set([one, 'absent']))).toBe(false);
  });
});

describe('seeded choices', () => {
  const draw = (seed: number): number[] => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 100 }, () => random.integer(1, 6));
  };

  it('repeat with the seed and differ without it', () => {
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(new Set(draw(7))).toEqual(new Set([1, 2, 3, 4, 5, 6]));
  });

  it('follow the weights', () => {
    const random = new SeededRandom(1);
    const drawn = Array.from({ length: 1000 }, () =>
      random.weighted([
        [9, 'often'],
        [1, 'seldom'],
        [0, 'never'],
      ]),
    );
    expect(drawn.filter((value) => value === 'often').length).toBeGreaterThan(800);
    expect(drawn).toContain('seldom');
    expect(drawn).not.toContain('never');
  });
});
