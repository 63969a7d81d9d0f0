import { LeaseTimeoutError, LoginDeniedError, PoolClosedError, SessionPool } from '../../../gateway/ftp/pool';
import type { Lease, SessionPoolOptions } from '../../../gateway/ftp/pool';
import { FtpSession } from '../../../gateway/ftp/session';
import { EmbeddedFtpServer, type EmbeddedFtpServerOptions } from '../../support/embedded-ftp-server';
import { accountOf } from '../../support/ftp-servers/test-servers';

const WAIT_MS = 5_000;

describe('session pool', () => {
  let server: EmbeddedFtpServer;
  let pool: SessionPool;
  let nowMs = 0;

  async function start(
    options: Partial<SessionPoolOptions> = {},
    serverOptions: EmbeddedFtpServerOptions = {},
  ): Promise<void> {
    server = await EmbeddedFtpServer.start(serverOptions);
    nowMs = 0;
    pool = new SessionPool({
      open: () => FtpSession.open(accountOf(server), { silenceMs: 1_000 }),
      now: () => nowMs,
      ...options,
    });
  }

  const lease = (signal?: AbortSignal) => pool.lease(WAIT_MS, signal);
  const release = (leases: readonly Lease[]) => leases.forEach((each) => each.release());
  const leaseMany = (count: number) => Promise.all(Array.from({ length: count }, () => lease()));

  afterEach(async () => {
    await pool.close(0);
    await server.stop();
  });

  it('uses one session again and again while that is enough', async () => {
    await start();
    for (let round = 0; round < 5; round += 1) (await lease()).release();
    expect(pool.stats()).toMatchObject({ opened: 1, busy: 0, idle: 1 });
  });

  it('grows as callers wait, up to its bound, and serves them in order', async () => {
    await start({ maxSessions: 2 });
    const first = await leaseMany(2);
    const order: number[] = [];
    const waiting = [1, 2, 3].map(async (number) => {
      const granted = await lease();
      order.push(number);
      granted.release();
    });
    expect(pool.stats()).toMatchObject({ busy: 2, waiting: 3 });
    release(first);
    await Promise.all(waiting);
    expect(order).toEqual([1, 2, 3]);
    expect(pool.stats()).toMatchObject({ opened: 2, busy: 0, idle: 2, waiting: 0 });
  });

  it('never lets two callers use one session at once', async () => {
    await start({ maxSessions: 3 });
    const inUse = new Set<FtpSession>();
    await Promise.all(
      Array.from({ length: 30 }, async () => {
        const granted = await lease();
        expect(inUse.has(granted.session)).toBe(false);
        inUse.add(granted.session);
        await granted.session.noop();
        inUse.delete(granted.session);
        granted.release();
      }),
    );
    expect(server.connections).toBe(3);
  });

  it('replaces a session that broke while it was leased', async () => {
    await start({ maxSessions: 1 });
    const broken = await lease();
    broken.session.close();
    const next = lease();
    broken.release();
    broken.release();
    const replacement = await next;
    await replacement.session.noop();
    replacement.release();
    expect(pool.stats()).toMatchObject({ opened: 2, broken: 1, busy: 0, idle: 1 });
  });

  it('checks a session that was idle for long, and opens another if it is dead', async () => {
    await start({ checkAfterMs: 10_000 });
    (await lease()).release();
    expect(server.count('NOOP')).toBe(0);
    nowMs += 10_000;
    (await lease()).release();
    expect(server.count('NOOP')).toBe(1);
    nowMs += 10_000;
    server.inject({ on: 'NOOP', action: { kind: 'drop' } });
    const granted = await lease();
    await granted.session.noop();
    granted.release();
    expect(pool.stats()).toMatchObject({ opened: 2, broken: 1, idle: 1 });
  });

  it('drops free sessions that the server closed', async () => {
    await start();
    (await lease()).release();
    server.dropConnections();
    await until(() => server.connections === 0);
    const granted = await lease();
    await granted.session.noop();
    granted.release();
    expect(pool.stats().opened).toBe(2);
  });

  it('closes sessions that stay free', async () => {
    await start({ idleTimeoutMs: 60, now: () => performance.now() });
    release(await leaseMany(3));
    expect(pool.stats().idle).toBe(3);
    await until(() => server.connections === 0);
    expect(pool.stats().idle).toBe(0);
  });

  it.each(['421 Too many connections.', '530 Sorry, the maximum number of clients is connected.'])(
    'shrinks instead of failing when the server turns logins away with %s, and grows again later',
    async (limitReply) => {
      await start({ growAfterMs: 60_000 }, { maxConnections: 2, limitReply });
      const first = [await lease(), await lease()];
      const waiting = [lease(), lease()];
      await until(() => pool.stats().limit === 2);
      release(first);
      release(await Promise.all(waiting));
      expect(pool.stats()).toMatchObject({ limit: 2, idle: 2, opened: 2 });

      server.settings = { ...server.settings, maxConnections: Infinity };
      nowMs += 60_000;
      release(await leaseMany(3));
      expect(pool.stats().limit).toBe(3);
      nowMs += 60_000;
      release(await leaseMany(4));
      expect(pool.stats()).toMatchObject({ limit: 4, idle: 4 });
    },
  );

  it('tells a caller that the server is full of others', async () => {
    await start({}, { maxConnections: 0 });
    await expect(lease()).rejects.toThrow('421');
    server.settings = { ...server.settings, maxConnections: 1 };
    (await lease()).release();
    expect(pool.stats()).toMatchObject({ opened: 1, failedLogins: 1 });
  });

  it('does not try denied credentials again until a pause has passed', async () => {
    await start({ deniedPauseMs: 30_000 });
    server.inject({ on: 'PASS', action: { kind: 'reply', reply: '530 Login incorrect.' } });
    await expect(lease()).rejects.toThrow(LoginDeniedError);
    await expect(lease()).rejects.toThrow(LoginDeniedError);
    expect(server.count('PASS')).toBe(1);
    nowMs += 30_000;
    (await lease()).release();
    expect(pool.stats().opened).toBe(1);
  });

  it('takes a server without the asked TLS for wrong configuration', async () => {
    await start({ open: () => FtpSession.open({ ...accountOf(server), security: 'explicit' }) });
    await expect(lease()).rejects.toThrow(LoginDeniedError);
  });

  it('takes a certificate that is not trusted for wrong configuration', async () => {
    const untrusting = () => {
      const { host, port, user, password } = accountOf(server);
      return FtpSession.open({ host, ...(port === undefined ? {} : { port }), user, password });
    };
    await start({ open: untrusting }, { tls: 'explicit' });
    await expect(lease()).rejects.toThrow(LoginDeniedError);
  });

  it('takes a certificate for another name for wrong configuration', async () => {
    const misnamed = () => FtpSession.open({ ...accountOf(server), serverName: 'elsewhere.example' });
    await start({ open: misnamed }, { tls: 'explicit' });
    await expect(lease()).rejects.toThrow(LoginDeniedError);
  });

  it('serves commands and listings before transfers, and lets flows take turns', async () => {
    await start({ maxSessions: 1 });
    const held = await lease();
    const order: string[] = [];
    const queue = (kind: 'upload' | 'listing' | 'command', flow: string) =>
      pool.lease(WAIT_MS, undefined, { kind, flow }).then((granted) => {
        order.push(`${kind} ${flow}`);
        granted.release();
      });
    const waiting = [
      ...['a', 'a', 'a', 'b', 'c', 'b'].map((flow) => queue('upload', flow)),
      queue('listing', ''),
      queue('command', ''),
    ];
    held.release();
    await Promise.all(waiting);
    expect(order).toEqual([
      ...['listing ', 'command '],
      ...['upload a', 'upload b', 'upload c', 'upload a', 'upload b', 'upload a'],
    ]);
  });

  it('leaves a session to others, however many large transfers there are', async () => {
    await start({ maxSessions: 3 });
    const large = () => pool.lease(WAIT_MS, undefined, { kind: 'upload', isLarge: true });
    const running = [await large(), await large()];
    let third = false;
    const waiting = large().then((granted) => {
      third = true;
      granted.release();
    });
    (await lease()).release();
    (await pool.lease(WAIT_MS, undefined, { kind: 'upload' })).release();
    expect(third).toBe(false);
    release(running);
    await waiting;
  });

  it('lets a large transfer have the only session', async () => {
    await start({ maxSessions: 1 });
    (await pool.lease(WAIT_MS, undefined, { kind: 'download', isLarge: true })).release();
    expect(pool.stats()).toMatchObject({ opened: 1, idle: 1 });
  });

  it('keeps free sessions alive', async () => {
    await start({ keepAliveMs: 40, now: () => performance.now() });
    (await lease()).release();
    await until(() => server.count('NOOP') >= 3);
    expect(pool.stats()).toMatchObject({ opened: 1, idle: 1, broken: 0 });
  });

  it('replaces a free session that does not answer when it is to be kept alive', async () => {
    await start({ keepAliveMs: 40, now: () => performance.now() });
    (await lease()).release();
    server.inject({ on: 'NOOP', action: { kind: 'drop' } });
    await until(() => pool.stats().broken === 1);
    (await lease()).release();
    expect(pool.stats()).toMatchObject({ opened: 2, idle: 1 });
  });

  it('does not hammer a server that is down, and comes back to it', async () => {
    await start();
    await server.kill();
    let attempts = 0;
    const before = pool.stats().failedLogins;
    for (; attempts < 20; attempts += 1) await expect(lease()).rejects.toThrow();
    expect(pool.stats().failedLogins - before).toBe(3);
    nowMs += 10_000;
    await server.listen();
    (await lease()).release();
    (await lease()).release();
    expect(pool.stats()).toMatchObject({ opened: 1, idle: 1 });
  });

  it('ends a wait by signal or by time, without losing a session', async () => {
    await start({ maxSessions: 1 });
    const held = await lease();
    const controller = new AbortController();
    const aborted = lease(controller.signal);
    const late = pool.lease(20);
    controller.abort(new Error('left'));
    await expect(aborted).rejects.toThrow('left');
    await expect(late).rejects.toThrow(LeaseTimeoutError);
    held.release();
    (await lease()).release();
    expect(pool.stats()).toMatchObject({ opened: 1, idle: 1, waiting: 0 });
  });

  it('lets leases come back when it closes, and turns waiters away', async () => {
    await start({ maxSessions: 1 });
    const held = await lease();
    const waiting = lease();
    const closed = pool.close(WAIT_MS);
    await expect(waiting).rejects.toThrow(PoolClosedError);
    await held.session.noop();
    held.release();
    await closed;
    await until(() => server.connections === 0);
    await expect(lease()).rejects.toThrow(PoolClosedError);
  });

  it('drops leases that do not come back in time', async () => {
    await start();
    const held = await lease();
    await pool.close(10);
    await until(() => server.connections === 0);
    expect(held.session.usable).toBe(false);
  });

  it('closes a session whose login ends after the pool was closed', async () => {
    await start();
    server.inject({ on: 'PASS', action: { kind: 'delay', ms: 100 } });
    const waiting = lease();
    const refused = expect(waiting).rejects.toThrow(PoolClosedError);
    await until(() => server.count('PASS') === 1);
    await pool.close(0);
    await refused;
    await until(() => server.connections === 0);
  });
});

/** Waits for something that happens in the background. */
async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error('it never happened');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
