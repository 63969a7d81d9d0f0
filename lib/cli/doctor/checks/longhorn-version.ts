/** Which Longhorn runs here, and what its version means for backups. */
import { longhornHas, parseLonghornVersion } from '../../../longhorn-version';
import { isSource } from '../../label/job-labels';
import { pvcKeyOf } from '../../pvc-volume';
import type { Facts } from '../facts';
import { judge, listed, notKnown, ok, problem, type Check, type Finding } from '../finding';

const SUBJECT = 'Longhorn';

/** From a version on (and before another) this is how Longhorn behaves. */
const TRAITS: readonly { readonly since?: string; readonly before?: string; readonly text: string }[] = [
  { before: '1.8', text: 'its default backup target is made of settings, and there is no other target' },
  {
    since: '1.9',
    before: '1.13',
    text: 'a recurring job ends as Complete even where every volume failed: trust the age of backups, not the Job',
  },
  { before: '1.11', text: 'it has no metric for the age of the last backup' },
];

export const longhornVersion: Check = {
  name: 'Longhorn version',
  run: (facts) =>
    judge(facts.settings, SUBJECT, (settings) => {
      const version = settings.find((setting) => setting.metadata.name === 'current-longhorn-version')?.value;
      if (version === undefined)
        return [
          notKnown(SUBJECT, 'it has no setting current-longhorn-version: has longhorn-manager ever run?'),
        ];
      if (parseLonghornVersion(version) === undefined)
        return [notKnown(SUBJECT, `"${version}" is no version that we can read`)];
      const traits = TRAITS.filter(({ since, before }) => {
        return (
          (since === undefined || longhornHas(version, since)) &&
          (before === undefined || !longhornHas(version, before))
        );
      });
      return [
        ok(SUBJECT, [version, ...traits.map(({ text }) => text)].join('; ')),
        ...sourceLabels(facts, version),
      ];
    }),
};

/** Before 1.5 Longhorn never looks at labels of PVCs. */
function sourceLabels({ pvcs }: Facts, version: string): Finding[] {
  if (longhornHas(version, '1.5') || !pvcs.known) return [];
  const sources = pvcs.value.filter(isSource).map(pvcKeyOf);
  if (sources.length === 0) return [];
  const text = `PVCs carry the source label (${listed(sources)}), which Longhorn knows from 1.5 on`;
  return [
    problem(
      SUBJECT,
      text,
      'upgrade Longhorn, or remove recurring-job.longhorn.io/source from them and run `longhaul label`',
    ),
  ];
}
