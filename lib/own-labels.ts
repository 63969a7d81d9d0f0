import { PART_OF, PART_OF_LABEL } from './names';

/** The labels of every object of ours; of what runs, with its `app` label. */
export function ownLabels(app?: string): Record<string, string> {
  return { ...(app !== undefined && { app }), [PART_OF_LABEL]: PART_OF };
}
