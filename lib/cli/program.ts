/** The command line: options, help, and which command runs. Pure of process state, so that tests can run it too. A list of declarations. */
import { Command, CommanderError, InvalidArgumentError, Option, type OptionValues } from 'commander';
import { LONGHORN_NAMESPACE } from '../names';
import { backupNow } from './backup/backup-now';
import { Cluster } from './cluster';
import { ClusterError } from './cluster-error';
import type { CommandContext } from './context';
import { deploy } from './deploy/deploy';
import { doctor } from './doctor/doctor';
import type { Answers } from './init/answers';
import { init, type InitContext } from './init/init';
import { label } from './label/label';
import { parsePvcRef, parseWantedJobs, type WantedJob } from './label/wanted';
import {
  EXIT,
  FailedError,
  RefusedError,
  TimedOutError,
  UsageError,
  type ExitCode,
  type OutputFormat,
} from './output';
import { status } from './status/status';
import { synth } from './synth/synth';
import type { CommandHost, Terminal } from './terminal';
import { uninstall } from './uninstall/uninstall';
import { openTransport, type ConnectOptions } from './transport';
import type { Clock } from './wait';

export interface Environment {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly version: string;
  /** The process's environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Adds the commands that are not about the cluster. */
  readonly addCommands: (program: Command, host: CommandHost) => void;
  readonly tryFtpAccount: InitContext['tryFtpAccount'];
  readonly calls: InitContext['calls'];
  /** Path of the app that makes the manifests, without extension. */
  readonly app: string;
}

type ClusterCommand = (context: CommandContext) => Promise<ExitCode>;

interface GlobalOptions extends ConnectOptions {
  readonly namespace: string;
  readonly output: OutputFormat;
}

/** Runs one command line (without the program's own name) and says how the process should end. Throws only for our own mistakes. */
export async function run(args: readonly string[], environment: Environment): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const program = buildProgram(environment, (code) => (exitCode = code));
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (error instanceof UsageError) return report(environment, error, EXIT.usage);
    if (error instanceof TimedOutError) return report(environment, error, EXIT.timedOut);
    if (error instanceof ClusterError || error instanceof RefusedError || error instanceof FailedError)
      return report(environment, error, EXIT.problem);
    throw error;
  }
}

function report({ terminal }: Environment, error: Error, exitCode: ExitCode): ExitCode {
  terminal.err(`longhaul: ${error.message}\n`);
  return exitCode;
}

/** The tree of commands; `finish` hears how the process should end. */
export function buildProgram(environment: Environment, finish: (code: ExitCode) => void): Command {
  const { terminal } = environment;
  const program = new Command('longhaul')
    .description('Longhorn backups on an FTP server: deploy, label, diagnose, remove.')
    .version(environment.version)
    .option(
      '--kubeconfig <path>',
      'kubeconfig to use (default: KUBECONFIG, ~/.kube/config, or the pod that this runs in)',
    )
    .option('--context <name>', 'context of the kubeconfig (default: its current one)')
    .option('-n, --namespace <name>', 'namespace of Longhorn', LONGHORN_NAMESPACE)
    .addOption(
      new Option('-o, --output <format>', 'how to print results').choices(['table', 'json']).default('table'),
    )
    .addHelpText('after', '\nExit codes: 0 all is well, 1 a problem, 2 wrong usage, 124 timed out.')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) });

  /** An action in two steps, so that wrong usage is said before anything is asked of the cluster. */
  const inCluster =
    <Options extends OptionValues>(prepare: (options: Options, args: readonly string[]) => ClusterCommand) =>
    async (...received: unknown[]): Promise<void> => {
      const self = received.at(-1) as Command;
      const command = prepare(self.opts<Options>(), self.args);
      const global = program.opts<GlobalOptions>();
      const cluster = new Cluster(await openTransport(global));
      const { namespace, output } = global;
      finish(await command({ cluster, namespace, output, terminal, clock: environment.clock }));
    };

  program
    .command('init')
    .description(
      'try an FTP account, make a key, and write longhaul.yaml and the secrets; asks for what no option says',
    )
    .option('--host <name>', 'FTP server')
    .option('--tls <mode>', 'explicit, implicit or off')
    .option('--port <number>', 'control port of the FTP server')
    .option('--user <name>', 'user name; the password is asked for, or taken from FTP_PASSWORD')
    .option('--path <directory>', 'directory on the FTP server for the backups')
    .option('--ca <file>', "PEM of the authority that signed the FTP server's certificate")
    .option('--bucket <name>', 'name of the bucket that Longhorn will see')
    .option('--image <reference>', 'image of the gateway, with its tag')
    .option('--pvcs <namespace/name,...>', 'PVCs to back up')
    .option('--schedule <time>', 'cron in UTC, or a local time such as "03:00 Europe/Paris"')
    .option('--kubectl', 'write files for `kubectl create secret` instead of a secrets file')
    .option('--offline', 'do not try the account')
    .action(async (options: Partial<Answers> & { ca?: string } & Flags<'kubectl' | 'offline'>) => {
      const { ca, kubectl = false, offline = false, ...given } = options;
      const { namespace } = program.opts<GlobalOptions>();
      finish(await init(environment, given, { ...(ca && { ca }), kubectl, offline, namespace }));
    });

  program
    .command('synth')
    .description(
      'write the manifests of longhaul.yaml to dist/, and those of its Secrets to secrets/manifests/',
    )
    .action(() => finish(synth(environment.app, terminal)));

  program
    .command('deploy')
    .description('apply the manifests in order, and wait until each part works')
    .argument('[paths...]', 'manifests: directories or files (default: dist)')
    .option('--dry-run', 'let the cluster check everything, and change nothing')
    .addOption(timeoutOption('how long to wait for each part', 300))
    .option('--force-conflicts', 'take over fields that another tool manages')
    .option('--replace-backup-target', 'repoint a backup target that is in use today')
    .action(
      inCluster<Flags<'dryRun' | 'forceConflicts' | 'replaceBackupTarget'> & Timeout>((options, args) => {
        const {
          dryRun = false,
          forceConflicts = false,
          replaceBackupTarget = false,
          timeout: timeoutMs,
        } = options;
        const paths = args.length === 0 ? ['dist'] : args;
        return (context) =>
          deploy(context, { paths, dryRun, timeoutMs, forceConflicts, replaceBackupTarget });
      }),
    );

  program
    .command('label')
    .description('put the volumes behind PVCs into recurring jobs, and take out those that left')
    .addOption(jobOption())
    .option('--dry-run', 'show what would change, and change nothing')
    .action(
      inCluster<Flags<'dryRun'> & Jobs>(({ job, dryRun = false }) => {
        const wanted = wantedJobs(job);
        return (context) => label(context, { wanted, dryRun });
      }),
    );

  program
    .command('status')
    .description('targets, jobs, and each volume with its last backup')
    .action(inCluster(() => status));

  program
    .command('backup')
    .description('backups that no job makes')
    .command('now')
    .description('back up PVCs now, one after the other, and wait')
    .argument('<namespace/pvc...>', 'what to back up')
    .option('--full', 'upload every block again, which mends damaged ones')
    .option('--dry-run', 'check whether it could be done, and change nothing')
    .addOption(timeoutOption('how long to wait for each backup', 6 * 3600))
    .action(
      inCluster<Flags<'full' | 'dryRun'> & Timeout>(
        ({ full = false, dryRun = false, timeout: timeoutMs }, args) => {
          const pvcs = args.map(parsePvcRef);
          return (context) => backupNow(context, { pvcs, full, dryRun, timeoutMs });
        },
      ),
    );

  program
    .command('uninstall')
    .description('take out of the cluster what Longhaul put in; backups stay')
    .option('--dry-run', 'show what would be removed, and change nothing')
    .option('-y, --yes', 'do not ask')
    .option('--recurring-jobs', 'delete our recurring jobs too')
    .option(
      '--blank-backup-target',
      'blank the URL of the backup target; Longhorn then forgets its backups, and their data stays',
    )
    .action(
      inCluster<Flags<'dryRun' | 'yes' | 'recurringJobs' | 'blankBackupTarget'>>((options) => {
        const { dryRun = false, yes = false, recurringJobs = false, blankBackupTarget = false } = options;
        return (context) => uninstall(context, { dryRun, yes, recurringJobs, blankBackupTarget });
      }),
    );

  program
    .command('doctor')
    .description('say what is wrong with the backups of this cluster, and what mends it; changes nothing')
    .addOption(jobOption())
    .action(
      inCluster<Jobs>(({ job }) => {
        const wanted = wantedJobs(job);
        return (context) => doctor(context, { wanted, version: environment.version });
      }),
    );

  environment.addCommands(program, {
    terminal,
    env: environment.env,
    sleep: (durationMs) => environment.clock.sleep(durationMs),
    output: () => program.opts<GlobalOptions>().output,
    finish,
  });
  return program;
}

type Flags<Names extends string> = { readonly [Name in Names]?: true };

interface Timeout {
  /** Milliseconds. */
  readonly timeout: number;
}

function timeoutOption(description: string, defaultSeconds: number): Option {
  return new Option('--timeout <seconds>', description)
    .default(defaultSeconds * 1000, String(defaultSeconds))
    .argParser((text) => {
      const seconds = Number(text.replace(/s$/, ''));
      if (text !== '' && Number.isFinite(seconds) && seconds >= 0) return seconds * 1000;
      throw new InvalidArgumentError('Write a number of seconds, such as 300.');
    });
}

interface Jobs {
  readonly job?: readonly string[];
}

function jobOption(): Option {
  return new Option('--job <name=namespace/pvc,...>', 'the PVCs of a job; repeatable').argParser(
    (text: string, previous: readonly string[] = []) => [...previous, text],
  );
}

/** Undefined where nobody says them: then the label command that runs in the cluster knows. */
function wantedJobs(jobs: readonly string[] | undefined): readonly WantedJob[] | undefined {
  return jobs === undefined ? undefined : parseWantedJobs(jobs);
}
