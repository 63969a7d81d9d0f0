/** `longhaul init`: from an FTP account to the files that `cdk8s synth` needs. Never overwrites anything. */
import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { gatewaySecretData } from '../../credentials';
import { FTP_SECRET_NAME, gatewayEndpoint, LONGHORN_SECRET_NAME } from '../../names';
import { EXIT, FailedError, RefusedError, UsageError, type ExitCode } from '../output';
import type { Terminal } from '../terminal';
import { gatherAnswers, type Answers } from './answers';
import {
  CA_CONFIG_MAP,
  credentialsOf,
  envFile,
  longhornSecret,
  SECRETS_FILE,
  secretsText,
  SETTINGS_FILE,
  settingsText,
} from './files';

/** What trying an FTP account for real showed. */
export interface FtpTrial {
  readonly usable: boolean;
  /** For people: every step, and what follows. */
  readonly text: string;
  /** Variables of the gateway that follow. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface InitOptions {
  /** PEM file of the authority that signed the FTP server's certificate. */
  readonly ca?: string;
  /** Writes files for `kubectl create secret` instead of a secrets file. */
  readonly kubectl: boolean;
  /** Does not try the account. */
  readonly offline: boolean;
  readonly namespace: string;
}

export interface InitContext {
  readonly terminal: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Tries the account of these `FTP_*` variables. */
  readonly tryFtpAccount: (env: Readonly<Record<string, string>>) => Promise<FtpTrial>;
  /** How people call this program, and what makes the manifests: for what it tells them to do next. */
  readonly calls: { readonly longhaul: string; readonly synth: string };
}

const GATEWAY_SECRET_FILE = `secrets/${FTP_SECRET_NAME}.env`;
const LONGHORN_SECRET_FILE = `secrets/${LONGHORN_SECRET_NAME}.env`;

export async function init(
  { terminal, env, tryFtpAccount, calls }: InitContext,
  given: Partial<Answers>,
  options: InitOptions,
): Promise<ExitCode> {
  const secretFiles = options.kubectl ? [GATEWAY_SECRET_FILE, LONGHORN_SECRET_FILE] : [SECRETS_FILE];
  refuseToOverwrite([SETTINGS_FILE, ...secretFiles]);
  if (options.ca !== undefined && !existsSync(options.ca))
    throw new UsageError(`--ca: there is no file ${options.ca}`);
  const { FTP_PASSWORD: password } = env;
  const answers = await gatherAnswers({ ...(password !== undefined && { password }), ...given }, terminal);

  let settings: FtpTrial['settings'] = {};
  if (!options.offline) {
    terminal.err(`Trying ${answers.host} …\n`);
    const trial = await tryFtpAccount(ftpVariables(answers, options));
    terminal.err(`${trial.text}\n`);
    if (!trial.usable) throw new FailedError('Nothing was written.');
    ({ settings } = trial);
  }

  const credentials = credentialsOf(answers, {
    encryptionKey: randomBytes(32).toString('hex'),
    accessKeyId: `longhorn-${randomBytes(4).toString('hex')}`,
    secretAccessKey: randomBytes(24).toString('base64url'),
  });
  const { FTP_CONNECTIONS: connections } = settings;
  const learnt = {
    ...(connections !== undefined && { connections: Number(connections) }),
    hasOwnAuthority: options.ca !== undefined,
  };
  ignoreSecrets();
  if (options.kubectl) {
    const data = gatewaySecretData(credentials, { encryption: true, defaultPort: Number(answers.port) });
    writeSecret(GATEWAY_SECRET_FILE, envFile(data));
    const endpoint = gatewayEndpoint({ namespace: options.namespace });
    writeSecret(LONGHORN_SECRET_FILE, envFile(longhornSecret(credentials, endpoint)));
  } else {
    writeSecret(SECRETS_FILE, secretsText(credentials));
  }
  writeFileSync(SETTINGS_FILE, settingsText(answers, learnt, !options.kubectl), { flag: 'wx' });
  terminal.out(closing(options, calls));
  return EXIT.ok;
}

function refuseToOverwrite(files: readonly string[]): void {
  const existing = files.filter((file) => existsSync(file));
  if (existing.length === 0) return;
  throw new RefusedError(
    `${existing.join(' and ')} ${existing.length === 1 ? 'is' : 'are'} there already: move away what shall be made anew. An encryption key that is lost takes its backups with it.`,
  );
}

function ftpVariables(answers: Answers, { ca }: InitOptions): Record<string, string> {
  return {
    FTP_HOST: answers.host,
    FTP_PORT: answers.port,
    FTP_USER: answers.user,
    FTP_PASSWORD: answers.password,
    FTP_ROOT_PATH: answers.path,
    FTP_TLS: answers.tls,
    ...(ca !== undefined && { FTP_CA_FILE: ca }),
  };
}

/** Before the first secret is written. */
function ignoreSecrets(): void {
  const line = '/secrets/';
  const text = existsSync('.gitignore') ? readFileSync('.gitignore', 'utf8') : '';
  if (text.split(/\r?\n/).includes(line)) return;
  appendFileSync('.gitignore', `${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`);
}

function writeSecret(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
}

function closing({ kubectl, ca, namespace }: InitOptions, calls: InitContext['calls']): string {
  const secretsFile = kubectl ? GATEWAY_SECRET_FILE : SECRETS_FILE;
  const create = (name: string, file: string): string =>
    `kubectl -n ${namespace} create secret generic ${name} --from-env-file=${file}`;
  const next = [
    ...(ca === undefined
      ? []
      : [`kubectl -n ${namespace} create configmap ${CA_CONFIG_MAP} --from-file=ca.crt=${ca}`]),
    ...(kubectl
      ? [create(FTP_SECRET_NAME, GATEWAY_SECRET_FILE), create(LONGHORN_SECRET_NAME, LONGHORN_SECRET_FILE)]
      : []),
    calls.synth,
    `${calls.longhaul} deploy ${kubectl ? 'dist' : 'secrets/manifests dist'}`,
    `${calls.longhaul} doctor`,
  ];
  return [
    `Wrote ${SETTINGS_FILE}, which holds no secret, and ${secretsFile}, which git ignores and only you can read.`,
    '',
    `The key that seals your backups was made just now; it is in ${secretsFile}. Copy it now to a place apart from this machine and from the`,
    'cluster, such as a password manager or a sheet of paper: without it no backup can be restored, by anybody.',
    '',
    'Next:',
    '',
    ...next.map((command) => `  ${command}`),
    '',
  ].join('\n');
}
