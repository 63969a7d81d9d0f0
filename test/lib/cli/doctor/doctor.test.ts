import { CHECKS } from '../../../../lib/cli/doctor/checks';
import { examine } from '../../../../lib/cli/doctor/doctor';
import { unknown, type Facts } from '../../../../lib/cli/doctor/facts';
import { healthyFacts } from '../../../support/doctor-facts';

const WHY = 'You may not list that';

describe('the doctor', () => {
  it('finds a healthy cluster healthy, check by check', () => {
    const results = examine(healthyFacts);
    expect(results.map(({ check }) => check)).toEqual(CHECKS.map(({ name }) => name));
    expect(results.filter(({ findings }) => findings.length === 0)).toEqual([]);
    expect(results.flatMap(({ findings }) => findings).filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
  });

  const facts = Object.keys(healthyFacts).filter(
    (name) => !['now', 'namespace', 'version', 'managerPods'].includes(name),
  );
  it.each(facts)('never takes "%s" for fine when it could not be found out', (name) => {
    const findings = examine({ ...healthyFacts, [name]: unknown(WHY) }).flatMap((result) => result.findings);
    expect(findings.filter(({ verdict, text }) => verdict === 'unknown' && text === WHY)).not.toEqual([]);
    expect(findings.filter(({ verdict }) => verdict === 'problem')).toEqual([]);
  });

  it('names what mends it with every problem', () => {
    const broken: Facts = {
      ...healthyFacts,
      ...Object.fromEntries(facts.map((name) => [name, { known: true, value: [] }])),
    };
    const problems = examine(broken).flatMap(({ findings }) =>
      findings.filter(({ verdict }) => verdict === 'problem'),
    );
    expect(problems.length).toBeGreaterThan(3);
    expect(problems.filter(({ fix }) => !fix)).toEqual([]);
  });
});
