/** Our short descriptions of Longhorn's kinds, and what we write of them, against Longhorn's own. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv';
import { App } from 'cdk8s';
import { parseAllDocuments } from 'yaml';
import { backupCharts } from '../../lib/backup-parts';
import { LonghornBackup } from '../../lib/longhorn-backup';
import { RECURRING_JOB_TASKS } from '../../lib/recurring-job-options';
import { manifestsOf, type Manifest } from '../support/synthesis';

const DIRECTORY = process.env['LONGHAUL_LONGHORN_CRDS'];
const OURS = join(__dirname, '..', '..', 'imports', 'longhorn-crds.yaml');
const VERSION = 'v1beta2';

interface Schema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
}

interface Crd {
  readonly spec: {
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: Schema };
    }[];
  };
}

function schemasIn(text: string): Map<string, Schema> {
  return new Map(
    parseAllDocuments(text).flatMap((document) => {
      const { spec } = document.toJS() as Crd;
      const version = spec.versions.find(({ name }) => name === VERSION);
      return version === undefined ? [] : [[spec.names.kind, version.schema.openAPIV3Schema] as const];
    }),
  );
}

/** The schema with no field allowed that it does not name; Kubernetes would drop such fields without a word. */
function closed(schema: Schema): Schema {
  const { properties, items, additionalProperties } = schema;
  return {
    ...schema,
    ...(properties && {
      additionalProperties: additionalProperties ?? false,
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, inner]) => [name, closed(inner)]),
      ),
    }),
    ...(items && { items: closed(items) }),
  };
}

/** `spec.cron: string` for every field, `spec.groups[]: string` for what is in lists, `spec.labels.*: string` in maps. */
function fieldsOf(schema: Schema, path = ''): string[] {
  const { type = '', properties = {}, items, additionalProperties } = schema;
  return [
    ...(path === '' ? [] : [`${path}: ${type}`]),
    ...Object.entries(properties).flatMap(([name, inner]) =>
      fieldsOf(inner, path === '' ? name : `${path}.${name}`),
    ),
    ...(items ? fieldsOf(items, `${path}[]`) : []),
    ...(typeof additionalProperties === 'object' ? fieldsOf(additionalProperties, `${path}.*`) : []),
  ];
}

function everything(longhornVersion?: string): Manifest[] {
  const app = new App();
  // Longhorn before 1.9 has no system backups as a task.
  const tasks = RECURRING_JOB_TASKS.filter(
    (task) => longhornVersion === undefined || task !== 'system-backup',
  );
  new LonghornBackup(app, 'backup', {
    image: 'registry.example/longhaul:1.2.3',
    longhornVersion,
    recurringJobs: tasks.map((task) => ({
      name: task,
      task,
      cron: '@daily',
      ...(task !== 'system-backup' && { groups: ['default'], labels: { by: 'longhaul' } }),
      ...(task === 'backup' && { fullBackupInterval: 5 }),
    })),
    ...(longhornVersion === undefined && { targets: [{}, { name: 'nas', bucket: 'nas-backups' }] }),
    parts: backupCharts(app),
  });
  return manifestsOf(app).filter(({ apiVersion }) => apiVersion.startsWith('longhorn.io/'));
}

function crdFiles(): string[] {
  if (DIRECTORY === undefined || !existsSync(DIRECTORY)) return [];
  return readdirSync(DIRECTORY)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => join(DIRECTORY, file));
}

const isThere = crdFiles().length > 0;
if (!isThere)
  process.stderr.write(
    'Left out: "Longhorn’s kinds" needs LONGHAUL_LONGHORN_CRDS, the directory of its CRDs.\n',
  );
const describeWithCrds = isThere ? describe : describe.skip;

describeWithCrds('Longhorn’s kinds', () => {
  const theirs = new Map(crdFiles().flatMap((file) => [...schemasIn(readFileSync(file, 'utf8'))]));
  const ours = schemasIn(readFileSync(OURS, 'utf8'));
  const schemaOf = (kind: string): Schema => theirs.get(kind) ?? {};

  it('are described as Longhorn describes them, field by field', () => {
    expect([...ours.keys()]).toEqual(['BackupTarget', 'RecurringJob', 'Setting']);
    for (const [kind, schema] of ours) {
      expect(fieldsOf(schemaOf(kind))).toEqual(expect.arrayContaining(fieldsOf(schema)));
    }
    const tasks = (schemas: ReadonlyMap<string, Schema>): readonly string[] =>
      schemas.get('RecurringJob')?.properties?.['spec']?.properties?.['task']?.enum ?? [];
    expect([...tasks(ours)].sort()).toEqual([...tasks(theirs)].sort());
  });

  it.each([
    ['since 1.8', undefined, ['BackupTarget', 'RecurringJob', 'Setting']],
    ['before 1.8', '1.7', ['RecurringJob', 'Setting']],
  ])(
    'are written as their schemas demand, with no field that they do not know: %s',
    (_name, version, kinds) => {
      const manifests = everything(version);
      expect([...new Set(manifests.map(({ kind }) => kind))].sort()).toEqual(kinds);
      const ajv = new Ajv({ strict: false, allErrors: true, formats: { 'date-time': true, int64: true } });
      for (const manifest of manifests) {
        const schema = closed(schemaOf(manifest.kind));
        const validate = ajv.compile({
          ...schema,
          properties: { ...schema.properties, metadata: { type: 'object' } },
        });
        validate(manifest);
        expect({ kind: manifest.kind, errors: validate.errors }).toEqual({
          kind: manifest.kind,
          errors: null,
        });
      }
    },
  );

  it('leave out what only an unreleased Longhorn has', () => {
    const text = JSON.stringify(everything());
    for (const field of ['retentionPolicy', 'retainAge', 'syncRequestedAt'])
      expect(text).not.toContain(field);
  });
});
