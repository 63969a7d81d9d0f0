import { Gateway } from '../../lib/gateway';
import type { GatewayProps } from '../../lib/gateway-options';
import { VerifyJob } from '../../lib/verify-job';
import { parseShare } from '../../gateway/backups/verify/share';
import { restrictedViolations, type PodSpec } from '../support/pod-security';
import { ofKind, problemsIn, synthesized, type Manifest } from '../support/synthesis';

const IMAGE = 'registry.example/longhaul:1.2.3';

interface EnvVar {
  readonly name: string;
  readonly value?: string;
}
interface CronJob {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly schedule: string;
    readonly jobTemplate: {
      readonly spec: {
        readonly template: {
          readonly spec: PodSpec & {
            readonly containers: readonly {
              readonly args: readonly string[];
              readonly env: readonly EnvVar[];
            }[];
          };
        };
      };
    };
  };
}

const manifests = (props: Partial<GatewayProps> = {}): Manifest[] =>
  synthesized((chart) => new Gateway(chart, 'gateway', { image: IMAGE, ...props }));
const cronJob = (props: Partial<GatewayProps> = {}): CronJob =>
  ofKind<CronJob>(manifests({ verify: {}, ...props }), 'CronJob');
const podOf = (job: CronJob) => job.spec.jobTemplate.spec.template.spec;

describe('the verification of a target', () => {
  it('is made only where it is asked for', () => {
    expect(manifests().map(({ kind }) => kind)).not.toContain('CronJob');
    expect(manifests({ verify: {} }).map(({ kind }) => kind)).toContain('CronJob');
  });

  it('reads a thirtieth a night, or what it is told', () => {
    expect(cronJob().spec.schedule).toBe('23 3 * * *');
    expect(podOf(cronJob()).containers[0]?.args).toEqual(['verify', '--share', '1/30']);
    expect(parseShare('1/30')).toBeDefined();
    const told = cronJob({ verify: { schedule: '@weekly', share: '1/4', limit: '5M' } });
    expect(told.spec.schedule).toBe('@weekly');
    expect(podOf(told).containers[0]?.args).toEqual(['verify', '--share', '1/4', '--limit', '5M']);
  });

  it('has the account, the key and the bucket of the gateway, and a name of its own', () => {
    const job = cronJob({ target: 'second', bucket: 'backups' });
    expect(job.metadata.name).toBe('longhaul-verify-second');
    const env = podOf(job).containers[0]?.env ?? [];
    expect(env.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['FTP_HOST', 'FTP_PASSWORD', 'ENCRYPTION_KEY']),
    );
    expect(env).toContainEqual({ name: 'S3_BUCKET', value: 'backups' });
  });

  it('looks where the backup target says', () => {
    const job = cronJob({ verify: { path: 'cluster-1/' } });
    expect(podOf(job).containers[0]?.args).toEqual(['verify', '--share', '1/30', '--path', 'cluster-1/']);
  });

  it('verifies the mirror as well, in a job of its own', () => {
    const jobs = manifests({ target: 'second', verify: { limit: '5M' }, mirror: {} }).filter(
      ({ kind }) => kind === 'CronJob',
    ) as unknown as CronJob[];
    expect(jobs.map((job) => [job.metadata.name, podOf(job).containers[0]?.args])).toEqual([
      ['longhaul-verify-second', ['verify', '--share', '1/30', '--limit', '5M']],
      ['longhaul-mirror-verify-second', ['verify', '--mirror', '--share', '1/30', '--limit', '5M']],
    ]);
    const [, mirror] = jobs;
    expect(podOf(mirror!).containers[0]?.env.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['MIRROR_FTP_HOST', 'MIRROR_FTP_PASSWORD', 'ENCRYPTION_KEY', 'S3_BUCKET']),
    );
    expect(VerifyJob.expected({ target: 'second', verify: {}, mirror: {} })).toMatchObject({
      name: 'longhaul-verify-second',
      mirrorName: 'longhaul-mirror-verify-second',
    });
  });

  it('runs as restricted as every pod of ours', () => {
    expect(restrictedViolations(podOf(cronJob()))).toEqual([]);
  });

  it('tells what is wrong with its props', () => {
    const verify = { schedule: 'sometimes', share: '31/30', limit: 'fast', path: '--endpoint' };
    const problems = problemsIn((chart) => new Gateway(chart, 'gateway', { image: IMAGE, verify }));
    expect(problems).toEqual([
      expect.stringContaining('verify.schedule'),
      expect.stringContaining('verify.share'),
      expect.stringContaining('verify.limit'),
      expect.stringContaining('verify.path'),
    ]);
  });
});
