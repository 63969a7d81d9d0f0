import type { Server } from 'node:http';
import { mkdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Browser, Page } from 'playwright-core';
import { buildMetricsApp } from '../../../gateway/metrics/app';
import { listenForMetrics } from '../../../gateway/metrics/server';
import type { GatewayStatus } from '../../../gateway/metrics/status';
import { hasChromium, startChromium } from '../../support/chromium';
import { ATTENTION, DOWN, EMPTY, GOOD, MIRROR, RUNNING, STANDBY } from '../../support/gateway-status';

const STATES = {
  good: GOOD,
  running: RUNNING,
  attention: ATTENTION,
  down: DOWN,
  standby: STANDBY,
  empty: EMPTY,
};
/** Where the pictures of the documentation are renewed, if somebody asks for that. */
const pictures = process.env['LONGHAUL_SCREENSHOTS'];

if (!hasChromium) process.stderr.write('Chromium is not installed: the status page is not tested.\n');
const suite = hasChromium ? describe : describe.skip;

suite('the status page', () => {
  let browser: Browser;
  let server: Server;
  let page: Page;
  let status: GatewayStatus;
  const requested: string[] = [];
  const complaints: string[] = [];

  beforeAll(async () => {
    browser = await startChromium();
    const metrics = { status: () => status, exposition: () => Promise.reject(new Error('not asked for')) };
    server = await listenForMetrics(buildMetricsApp(metrics, pino({ level: 'silent' })), 0, '127.0.0.1');
  });

  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });

  afterEach(() => page.close());

  async function open(
    shown: GatewayStatus,
    width = 1_000,
    colorScheme: 'light' | 'dark' = 'light',
  ): Promise<void> {
    status = shown;
    requested.length = 0;
    complaints.length = 0;
    page = await browser.newPage({ viewport: { width, height: 720 }, colorScheme, reducedMotion: 'reduce' });
    page.on('request', (request) => requested.push(request.url()));
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(url(), { waitUntil: 'load' });
  }

  const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const text = (): Promise<string> => page.locator('main').innerText();

  describe.each(Object.entries(STATES))('when it is %s', (name, state) => {
    it.each([
      [920, 'light'],
      [360, 'dark'],
    ] as const)('fits %i pixels, %s, and loads nothing else', async (width, colorScheme) => {
      await open(state, width, colorScheme);
      if (pictures !== undefined) {
        mkdirSync(pictures, { recursive: true });
        await page.screenshot({ path: join(pictures, `${name}-${colorScheme}.png`), fullPage: true });
      }
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      expect(requested).toEqual([url()]);
      expect(complaints).toEqual([]);
      const headings = await page.evaluate(
        '[...document.querySelectorAll("h1, h2, h3")].map((h) => h.tagName)',
      );
      expect(headings).toEqual(['H1', 'H2', ...state.volumes.map(() => 'H3')]);
    });
  });

  it('says that all is well, and when each volume was last backed up', async () => {
    await open(GOOD);
    expect(await page.title()).toBe('All is well · Longhaul');
    expect(await text()).toContain('Last backup 3 hours ago');
    const charts = page.getByRole('img', {
      name: /^14 backups in the last 30 days\. The last one is 3 hours old, 12\.0 MiB uploaded\.$/,
    });
    expect(await charts.count()).toBe(1);
  });

  it('says what is wrong, the worst first, and what to do', async () => {
    await open({ ...ATTENTION, ftp: { ...ATTENTION.ftp, lastReplyAt: ATTENTION.now - 3_600_000 } });
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('Backups cannot be made');
    const items = await page.locator('.headline li').allInnerTexts();
    expect(items[0]).toBe(
      'The FTP server has not answered for 1 hour. Look at the server and the way to it.',
    );
    expect(items.join('\n')).toContain('longhaul backup now');
    expect(items.join('\n')).toContain('certificate ends in 9 days');
    expect(items.join('\n')).toContain('12 days old');
  });

  it('tells of a mirror only where there is one, and what is wrong with it', async () => {
    const withMirror = (mirror: Partial<typeof MIRROR>): GatewayStatus => {
      const stats = { ...GOOD.store.stats, mirror: { ...MIRROR, ...mirror } };
      return { ...GOOD, store: { ...GOOD.store, stats } };
    };
    await open(GOOD);
    expect(await text()).not.toContain('Mirror');
    await page.close();
    await open(withMirror({}));
    expect(await text()).toContain('up to date');
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('All is well');
    await page.close();
    await open(
      withMirror({ state: 'unreachable', reason: 'timeout', lagMs: 20 * 60_000, pending: 7, extras: 2 }),
    );
    expect(await page.locator('.headline li').allInnerTexts()).toEqual([
      'The mirror is 20 minutes behind: timeout. Look at the second FTP server.',
      'The mirror has 2 files that the first FTP server does not have. Run "longhaul verify": the first server may have lost them.',
    ]);
    await page.close();
    await open(withMirror({ state: 'refused', reason: 'it is another' }));
    expect(await text()).toContain('The mirror is refused: it is another.');
  });

  it('tells when the backups were verified, and what is damaged', async () => {
    await open(GOOD);
    const facts = page.locator('.facts .card', { hasText: 'Verification' });
    expect(await facts.innerText()).toContain('ended 3 hours ago');
    expect(await facts.innerText()).toContain('47 of 47 backups restorable; all blocks read in 29 days');
    await page.close();
    await open(ATTENTION);
    expect((await page.locator('.headline li').allInnerTexts()).join('\n')).toContain(
      'found that 2 backups of pvc-2f6f1c1e-6a7b-4c53-9d0f-0a5a1f8f7a11 are damaged',
    );
    await page.close();
    await open(EMPTY);
    expect(await text()).toContain('none yet');
  });

  it('does not call a standby broken', async () => {
    await open(STANDBY);
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('Standing by');
  });

  it('tells what runs now', async () => {
    await open(RUNNING);
    expect(await text()).toContain('Backup running for 6 minutes, 1.31 GiB so far');
  });

  it('opens a list of backups by keyboard alone', async () => {
    await open(GOOD);
    for (let tabs = 0; tabs < 2; tabs++) await page.keyboard.press('Tab');
    expect(await page.locator(':focus').innerText()).toBe('30 backups in longhorn');
    await page.keyboard.press('Enter');
    expect(await page.getByRole('table', { name: /^Backups of pvc-2f6f1c1e/ }).isVisible()).toBe(true);
    expect(await page.getByRole('row').count()).toBe(31);
  });

  it('shows names as text, whatever they hold', async () => {
    const volume = '<img src=x onerror="document.title=1">';
    await open({ ...GOOD, volumes: [{ bucket: 'longhorn', volume, backups: [] }] });
    expect(await page.getByRole('heading', { level: 3 }).innerText()).toBe(volume);
    expect(await page.locator('img').count()).toBe(0);
  });

  it.each(['light', 'dark'] as const)('has text of enough contrast, %s', async (colorScheme) => {
    await open(ATTENTION, 1_000, colorScheme);
    const low = await page.evaluate(readFileSync(join(__dirname, 'contrast.js'), 'utf8'));
    expect(low).toEqual([]);
  });
});
