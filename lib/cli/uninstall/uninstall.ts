/** `longhaul uninstall`: takes out of the cluster what Longhaul put in, after saying what that is. Backups are never touched. */
import type { Cluster } from '../cluster';
import { ClusterError } from '../cluster-error';
import type { CommandContext } from '../context';
import { BACKUP_TARGET, describeObject } from '../kinds';
import { changeLabels } from '../label/label';
import { count, EXIT, json, table, UsageError, type ExitCode } from '../output';
import { gatherUninstall } from './gather';
import { planUninstall, type Action, type UninstallChoices, type UninstallPlan } from './plan';

export interface UninstallOptions extends UninstallChoices {
  readonly dryRun: boolean;
  /** Does not ask. */
  readonly yes: boolean;
}

interface Row {
  readonly action: string;
  readonly object: string;
  readonly result: 'to do' | 'done' | 'problem';
  readonly reason?: string;
}

export async function uninstall(context: CommandContext, options: UninstallOptions): Promise<ExitCode> {
  const { cluster, namespace, terminal, output } = context;
  const plan = planUninstall(await gatherUninstall(cluster, namespace), options);
  const planned = plan.actions.map((action): Row => ({ ...describeAction(action), result: 'to do' }));
  if (plan.actions.length === 0) {
    terminal.out(
      output === 'json'
        ? json({ dryRun: options.dryRun, actions: [], notes: [] })
        : 'There is nothing to uninstall.\n',
    );
    return EXIT.ok;
  }
  if (options.dryRun) {
    terminal.out(
      output === 'json'
        ? json({ dryRun: true, actions: planned, notes: plan.notes })
        : renderPlan(planned, plan),
    );
    return EXIT.ok;
  }
  if (!options.yes) {
    if (!terminal.canAsk)
      throw new UsageError('Nobody is here to be asked: see what would go with --dry-run, then say --yes.');
    terminal.err(renderPlan(planned, plan));
    const answer = await terminal.ask(
      `Remove ${count(plan.actions.length, 'thing')} from ${cluster.server}? Type "yes": `,
    );
    if (answer.trim().toLowerCase() !== 'yes') {
      terminal.err('Nothing was changed.\n');
      return EXIT.problem;
    }
  }
  const rows: Row[] = [];
  for (const action of plan.actions) rows.push(await carryOut(cluster, action));
  terminal.out(
    output === 'json' ? json({ dryRun: false, actions: rows, notes: plan.notes }) : renderDone(rows, plan),
  );
  return rows.some(({ result }) => result === 'problem') ? EXIT.problem : EXIT.ok;
}

/** One action; a failure is told and does not stop the others. */
async function carryOut(cluster: Cluster, action: Action): Promise<Row> {
  const row = describeAction(action);
  const { name, namespace } = action.object.metadata;
  try {
    switch (action.do) {
      case 'delete':
        await cluster.delete(action.kind, name, namespace);
        break;
      case 'unlabel':
        await changeLabels(cluster, action.kind, action.object, { add: [], drop: action.labels, forget: [] });
        break;
      case 'blank':
        // To Longhorn a field that is not there is empty.
        await cluster.patch(BACKUP_TARGET, name, namespace, {
          spec: { backupTargetURL: null, credentialSecret: null },
        });
        break;
    }
    return { ...row, result: 'done' };
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    return { ...row, result: 'problem', reason: error.message };
  }
}

function describeAction(action: Action): { readonly action: string; readonly object: string } {
  const object = describeObject(
    action.kind.kind,
    action.object.metadata.name,
    action.object.metadata.namespace,
  );
  switch (action.do) {
    case 'delete':
      return { action: 'delete', object };
    case 'unlabel':
      return { action: `remove ${action.labels.join(', ')} from`, object };
    case 'blank':
      return { action: 'blank the URL of', object };
  }
}

function renderPlan(rows: readonly Row[], { notes }: UninstallPlan): string {
  const lines = rows.map(({ action, object }) => `  ${action} ${object}\n`).join('');
  return `This would\n${lines}\n${notes.map((note) => `${note}\n`).join('')}`;
}

function renderDone(rows: readonly Row[], { notes }: UninstallPlan): string {
  const cells = rows.map(({ action, object, result, reason }) => [
    action,
    object,
    reason === undefined ? result : `${result}: ${reason}`,
  ]);
  return `${table(['ACTION', 'OBJECT', 'RESULT'], cells)}\n${notes.map((note) => `${note}\n`).join('')}`;
}
