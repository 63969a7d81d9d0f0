import { readdirSync } from 'node:fs';
import { tryAccount, type Trial } from '../../../gateway/account/try-account';
import type { FtpConfig } from '../../../gateway/ftp-config';
import { EmbeddedFtpServer } from '../../support/embedded-ftp-server';
import { availableServers, startServer, type FtpServer, type StartOptions } from '../../support/ftp-servers';
import { testServers, type RunningServer } from '../../support/ftp-servers/test-servers';

function configOf(server: Omit<RunningServer, 'root' | 'stop'>, more: Partial<FtpConfig> = {}): FtpConfig {
  const { host, port, user, password, path, ca } = server;
  return {
    host,
    port,
    user,
    password,
    root: path,
    tls: ca === undefined ? 'off' : 'explicit',
    ...(ca !== undefined && { ca }),
    connections: 4,
    retryMs: 5_000,
    stallMs: 2_000,
    ...more,
  };
}

const verdicts = ({ steps }: Trial): Record<string, string> =>
  Object.fromEntries(steps.map(({ step, verdict }) => [step, verdict]));
const textOf = ({ steps }: Trial, step: string): string | undefined =>
  steps.find((each) => each.step === step)?.text;

describe.each(testServers())('the trial of an account on $name', ({ start }) => {
  let server: RunningServer;

  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server.stop());

  it('finds that it serves, and leaves nothing behind', async () => {
    const trial = await tryAccount(configOf(server));
    expect(trial.steps.filter(({ verdict }) => verdict === 'problem')).toEqual([]);
    expect(trial).toMatchObject({ usable: true, settings: {} });
    expect(trial.steps.map(({ step }) => step)).toEqual([
      'login',
      'directory',
      'store',
      'replace',
      'read back',
      'list',
      'clean up',
      'connections',
    ]);
    expect(readdirSync(server.root)).toEqual([]);
  });
});

const kinds = availableServers();
(kinds.length > 0 ? describe.each(kinds) : describe.skip.each(['no server'] as never[]))(
  'the trial of an account on a real %s',
  (kind) => {
    let server: FtpServer;
    const start = async (options: StartOptions): Promise<void> => {
      server = await startServer(kind, options);
    };
    afterEach(() => server.stop());

    it('leaves a connection free where the server allows few', async () => {
      await start({ maxClients: 3 });
      const trial = await tryAccount(configOf(server));
      expect(trial).toMatchObject({ usable: true, settings: { FTP_CONNECTIONS: '2' } });
      expect(textOf(trial, 'connections')).toMatch(/^3 at a time; one more was turned away \(/);
    });

    it('says what trusts the certificate', async () => {
      await start({ tls: true });
      const { ca, ...untrusting } = configOf(server);
      expect(ca).toContain('CERTIFICATE');
      const trial = await tryAccount(untrusting);
      expect(textOf(trial, 'login')).toMatch(/Give the PEM of its authority with FTP_CA_FILE$/);
    });

    it('does not go on in the clear where there is no TLS', async () => {
      await start({});
      const trial = await tryAccount(configOf(server, { tls: 'explicit' }));
      expect(textOf(trial, 'login')).toMatch(
        /offers no TLS .*FTP_TLS=off would send the password in the clear/,
      );
    });
  },
);

describe('the trial of an account', () => {
  it.each(['embedded', ...kinds.filter((kind) => kind !== 'vsftpd')] as const)(
    'says what is wrong with the password, and never the password (%s)',
    async (kind) => {
      // The vsftpd of the tests lets everybody in.
      const server = kind === 'embedded' ? await EmbeddedFtpServer.start() : await startServer(kind);
      // pure-ftpd takes its time to turn somebody away.
      const trial = await tryAccount(configOf(server, { password: 'not-this-one', stallMs: 15_000 }));
      await server.stop();
      expect(verdicts(trial)).toEqual({ login: 'problem' });
      expect(trial.usable).toBe(false);
      expect(textOf(trial, 'login')).toMatch(/does not accept the user name and password/);
      expect(JSON.stringify(trial)).not.toContain('not-this-one');
    },
  );

  it.each([
    ['nothing listens', { host: '127.0.0.1', port: 1 }, /^nothing listens at 127\.0\.0\.1:1$/],
    [
      'the name is wrong',
      { host: 'no-such-host.invalid' },
      /^the name no-such-host\.invalid does not resolve$/,
    ],
  ])('says that %s', async (_what, wrong, text) => {
    const server = { host: '', port: 21, user: 'u', password: 'p', path: '/', ca: undefined };
    expect(textOf(await tryAccount(configOf(server, wrong)), 'login')).toMatch(text);
  });

  it('notes a server that does not rename over a file', async () => {
    const server = await EmbeddedFtpServer.start({ replacesOnRename: false });
    const trial = await tryAccount(configOf(server));
    await server.stop();
    expect(verdicts(trial)).toMatchObject({ replace: 'note', 'read back': 'ok' });
    expect(trial.usable).toBe(true);
  });

  it('ends at an account that is full, and still cleans up', async () => {
    const server = await EmbeddedFtpServer.start();
    server.inject({ on: 'STOR', action: { kind: 'reply', reply: '552 Quota exceeded.' } });
    const trial = await tryAccount(configOf(server));
    expect(verdicts(trial)).toEqual({ login: 'note', directory: 'ok', store: 'problem', 'clean up': 'ok' });
    expect(textOf(trial, 'store')).toMatch(/^the account has no space left \(/);
    expect(readdirSync(server.root)).toEqual([]);
    await server.stop();
  });
});
