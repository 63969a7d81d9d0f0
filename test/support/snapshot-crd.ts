/** A short description of Longhorn's Snapshot kind: the fields that `backup now` writes and reads, in a schema open for the rest. */
export const snapshotCrd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'snapshots.longhorn.io' },
  spec: {
    group: 'longhorn.io',
    scope: 'Namespaced',
    names: { kind: 'Snapshot', listKind: 'SnapshotList', plural: 'snapshots', singular: 'snapshot' },
    versions: [
      {
        name: 'v1beta2',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                required: ['volume'],
                properties: {
                  volume: { type: 'string' },
                  createSnapshot: { type: 'boolean' },
                  labels: { type: 'object', nullable: true, additionalProperties: { type: 'string' } },
                },
              },
              status: {
                type: 'object',
                properties: { readyToUse: { type: 'boolean' }, error: { type: 'string' } },
              },
            },
          },
        },
      },
    ],
  },
} as const;
