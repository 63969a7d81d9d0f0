import { describeProblem, inside, problem, PropsError, show } from '../../lib/problems';

describe('a problem', () => {
  it('is told with path, prop, value and reason, as far as there are any', () => {
    const told = (prop: string, value: unknown): string =>
      describeProblem({ path: 'app/job', ...problem(prop, value, 'is wrong') });
    expect(told('retain', 0)).toBe('[app/job] retain 0: is wrong');
    expect(told('retain', undefined)).toBe('[app/job] retain: is wrong');
    expect(told('', undefined)).toBe('[app/job] is wrong');
  });

  it('is told by its place in an outer object', () => {
    const findings = [problem('name', 1, 'x'), problem('', 2, 'y')];
    expect(inside('pvcs[0]', findings).map(({ prop }) => prop)).toEqual(['pvcs[0].name', 'pvcs[0]']);
  });

  it('shows of a long value only its beginning', () => {
    expect(show('x'.repeat(500))).toHaveLength(121);
    expect(show(['a', 1])).toBe('["a",1]');
  });

  it('is counted in the error that holds it', () => {
    const one = { path: 'a', ...problem('b', 1, 'c') };
    expect(new PropsError([one]).message).toBe('There is 1 problem:\n- [a] b 1: c');
    expect(new PropsError([one, one]).message).toMatch(/^There are 2 problems:\n/);
  });
});
