/** How each real FTP server is configured for one account on loopback. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serverCertificate } from './certificate';

export type ServerKind = 'vsftpd' | 'proftpd' | 'pure-ftpd';

export interface ProgramSetup {
  /** Where the programs were unpacked. */
  readonly installation: string;
  /** Scratch directory for configuration. */
  readonly directory: string;
  /** Directory that the account sees as `/`; vsftpd insists that it cannot be written to. */
  readonly root: string;
  readonly port: number;
  /** First and last passive port. */
  readonly passivePorts: readonly [first: number, last: number];
  readonly user: string;
  readonly password: string;
  readonly tls: boolean;
  readonly maxClients: number;
  readonly maxListed: number;
}

export interface Invocation {
  readonly command: string;
  readonly args: readonly string[];
}

/** Owner of the account's files: a user of every Debian system, with a home that exists, since vsftpd insists on one. */
const ACCOUNT_USER = 'daemon';
export const ACCOUNT_UID = 1;
export const ACCOUNT_GID = 1;

export const PROGRAMS: Readonly<Record<ServerKind, (setup: ProgramSetup) => Invocation>> = {
  vsftpd,
  proftpd,
  'pure-ftpd': pureFtpd,
};

/** Accepts any password: an anonymous account needs no user on the machine. */
function vsftpd(setup: ProgramSetup): Invocation {
  const empty = join(setup.directory, 'empty');
  mkdirSync(empty);
  const { cert, key } = certificateFiles(setup);
  const options = {
    listen: 'YES',
    background: 'NO',
    listen_address: '127.0.0.1',
    listen_port: setup.port,
    pasv_min_port: setup.passivePorts[0],
    pasv_max_port: setup.passivePorts[1],
    max_clients: setup.maxClients,
    anonymous_enable: 'YES',
    no_anon_password: 'NO',
    local_enable: 'NO',
    write_enable: 'YES',
    ftp_username: ACCOUNT_USER,
    anon_root: setup.root,
    anon_umask: '022',
    anon_upload_enable: 'YES',
    anon_mkdir_write_enable: 'YES',
    anon_other_write_enable: 'YES',
    anon_world_readable_only: 'NO',
    secure_chroot_dir: empty,
    seccomp_sandbox: 'NO',
    xferlog_enable: 'NO',
    ...(setup.tls
      ? {
          ssl_enable: 'YES',
          allow_anon_ssl: 'YES',
          force_anon_logins_ssl: 'YES',
          force_anon_data_ssl: 'YES',
          require_ssl_reuse: 'YES',
          ssl_tlsv1: 'YES',
          ssl_ciphers: 'HIGH',
          rsa_cert_file: cert,
          rsa_private_key_file: key,
        }
      : {}),
  };
  const lines = Object.entries(options).map(([name, value]) => `${name}=${value}\n`);
  const file = writeIn(setup, 'vsftpd.conf', lines.join(''));
  return { command: join(setup.installation, 'usr/sbin/vsftpd'), args: [file] };
}

function proftpd(setup: ProgramSetup): Invocation {
  const { cert, key } = certificateFiles(setup);
  const users = writeIn(
    setup,
    'users',
    `${setup.user}:${passwordHash(setup)}:${ACCOUNT_UID}:${ACCOUNT_GID}::${setup.root}:/bin/sh\n`,
  );
  chmodSync(users, 0o600);
  const file = writeIn(
    setup,
    'proftpd.conf',
    `ServerType standalone
DefaultServer on
UseIPv6 off
DefaultAddress 127.0.0.1
SocketBindTight on
Port ${setup.port}
PassivePorts ${setup.passivePorts[0]} ${setup.passivePorts[1]}
User nobody
Group nogroup
UseReverseDNS off
ModulePath ${join(setup.installation, 'usr/lib/proftpd')}
PidFile ${join(setup.directory, 'pid')}
ScoreboardFile ${join(setup.directory, 'scoreboard')}
DelayEngine off
WtmpLog off
SystemLog ${join(setup.directory, 'log')}
TransferLog none
AuthOrder mod_auth_file.c
AuthUserFile ${users}
RequireValidShell off
DefaultRoot ~
AllowOverwrite on
AllowStoreRestart on
AllowRetrieveRestart on
MaxClients ${setup.maxClients}
Umask 022
TimesGMT on
LoadModule mod_tls.c
${
  setup.tls
    ? `TLSEngine on
TLSRSACertificateFile ${cert}
TLSRSACertificateKeyFile ${key}
TLSRequired on
TLSProtocol TLSv1.2 TLSv1.3
`
    : ''
}`,
  );
  return { command: join(setup.installation, 'usr/sbin/proftpd'), args: ['-n', '-c', file] };
}

function pureFtpd(setup: ProgramSetup): Invocation {
  const users = writeIn(
    setup,
    'users',
    `${setup.user}:${passwordHash(setup)}:${ACCOUNT_UID}:${ACCOUNT_GID}::${setup.root}/./::::::::::::\n`,
  );
  const database = join(setup.directory, 'users.pdb');
  execFileSync(join(setup.installation, 'usr/bin/pure-pw'), ['mkdb', database, '-f', users], {
    env: programEnv(setup.installation),
  });
  const certificate = setup.tls ? writeIn(setup, 'both.pem', keyAndCertificate()) : '';
  return {
    command: join(setup.installation, 'usr/sbin/pure-ftpd'),
    args: [
      ...['-S', `127.0.0.1,${setup.port}`, '-l', `puredb:${database}`, '-A', '-E', '-H', '-u', '1'],
      ...['-p', `${setup.passivePorts[0]}:${setup.passivePorts[1]}`, '-c', `${setup.maxClients}`],
      ...['-C', `${setup.maxClients}`, '-L', `${setup.maxListed}:5`, '-g', join(setup.directory, 'pid')],
      ...(setup.tls ? ['-Y', '2', '-2', certificate] : []),
    ],
  };
}

/** Lets the programs find the libraries that were unpacked beside them. */
export function programEnv(installation: string): NodeJS.ProcessEnv {
  const directories = ['usr/lib', 'lib'].map((path) => join(installation, path, 'x86_64-linux-gnu'));
  return { ...process.env, LD_LIBRARY_PATH: directories.join(':') };
}

function certificateFiles(setup: ProgramSetup): { readonly cert: string; readonly key: string } {
  if (!setup.tls) return { cert: '', key: '' };
  const { cert, key } = serverCertificate();
  const keyFile = writeIn(setup, 'server.key', key);
  chmodSync(keyFile, 0o600);
  return { cert: writeIn(setup, 'server.pem', cert), key: keyFile };
}

function keyAndCertificate(): string {
  const { cert, key } = serverCertificate();
  return `${key}${cert}`;
}

function passwordHash({ password }: ProgramSetup): string {
  return execFileSync('openssl', ['passwd', '-6', '-stdin'], { input: password, encoding: 'utf8' }).trim();
}

function writeIn(setup: ProgramSetup, name: string, text: string): string {
  const file = join(setup.directory, name);
  writeFileSync(file, text);
  return file;
}
