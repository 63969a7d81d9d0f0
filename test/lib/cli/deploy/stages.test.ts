import { writeFileSync } from 'node:fs';
import { readManifests } from '../../../../lib/cli/deploy/manifests';
import { stagesOf } from '../../../../lib/cli/deploy/stages';
import { stackManifests, writeManifests } from '../../../support/stack-manifests';

describe('the manifests of a stack', () => {
  const manifests = readManifests([writeManifests(stackManifests())]);

  it('are deployed in the order in which the parts need each other, whatever order they are in', () => {
    const order = stagesOf([...manifests].reverse()).map(({ name, manifests: of }) => [
      name,
      of.map(({ kind }) => kind).sort(),
    ]);
    expect(order).toEqual([
      ['secrets', ['Secret', 'Secret']],
      ['gateway', ['Deployment', 'PodDisruptionBudget', 'Service']],
      ['settings', ['Setting']],
      ['backup target', ['BackupTarget']],
      ['recurring jobs', ['RecurringJob']],
      ['labels', ['Job']],
    ]);
  });

  it('have their Secrets encoded, so that applying them again changes nothing', () => {
    const secret = manifests.find(({ kind }) => kind === 'Secret');
    expect(secret).toMatchObject({ data: { ftp_host: Buffer.from('ftp.example').toString('base64') } });
    expect(secret).not.toHaveProperty('stringData');
  });

  it('are told apart from YAML that is broken without showing what is in it', () => {
    const path = writeManifests({});
    const read = (): unknown => readManifests([`${path}/a.yaml`]);
    writeFileSync(`${path}/a.yaml`, 'stringData:\n  password: "hunter2\n');
    expect(read).toThrow(/is no YAML \(line \d+: /);
    expect(read).not.toThrow(/hunter2/);
  });
});
