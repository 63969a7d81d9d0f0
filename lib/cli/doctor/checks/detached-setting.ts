/** Whether volumes that no pod uses are backed up too. */
import { DETACHED_SETTING } from '../../../names';
import { describeObject } from '../../kinds';
import { judge, ok, problem, type Check } from '../finding';

export const detachedSetting: Check = {
  name: 'detached volumes',
  run: ({ settings, namespace }) => {
    const subject = describeObject('Setting', DETACHED_SETTING, namespace);
    return judge(settings, subject, (settings) => {
      const value = settings.find(({ metadata }) => metadata.name === DETACHED_SETTING)?.value;
      if (value === 'true') return [ok(subject, 'recurring jobs attach detached volumes for their run')];
      const text = value === undefined ? 'it does not exist' : `it is "${value}"`;
      const patch = `kubectl patch -n ${namespace} settings.longhorn.io ${DETACHED_SETTING} --type merge -p '{"value":"true"}'`;
      return [problem(subject, `${text}: recurring jobs skip volumes that no pod uses`, patch)];
    });
  },
};
