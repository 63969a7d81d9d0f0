/** The chapter "In your cluster" of README.md, its commands run in order as a reader would, and its output compared. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ApiServer, describeWithApiServer } from '../support/api-server';
import {
  playGatewayReady,
  playJobComplete,
  playTargetAvailable,
  untilThere,
} from '../support/cluster-players';
import { EmbeddedFtpServer } from '../support/embedded-ftp-server';
import { createVolume } from '../support/longhorn-objects';
import { shownCommands, withoutChance } from './console-blocks';

const REPOSITORY = join(__dirname, '..', '..');
const README = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');
const CHAPTER = /\n## In your cluster\n(.*?)\n## /s.exec(README)?.[1] ?? '';
const JOBS = '/apis/batch/v1/namespaces/longhorn-system/jobs';

/** What git has, with the dependencies that are installed here. */
function cloneTo(directory: string): void {
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: REPOSITORY, encoding: 'utf8' });
  for (const file of files.split('\0').filter((name) => name !== '' && !name.startsWith('test/'))) {
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    cpSync(join(REPOSITORY, file), join(directory, file));
  }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(directory, 'node_modules'));
}

/** Deployment controller, Longhorn and job controller, as they would act on what is deployed. */
async function playCluster(server: ApiServer): Promise<void> {
  await playGatewayReady(server);
  await playTargetAvailable(server);
  const { items } = await untilThere<{ items: { metadata: { name: string } }[] }>(
    server,
    JOBS,
    (list) => list.items.length > 0,
  );
  await playJobComplete(server, items[0]?.metadata.name);
}

describeWithApiServer('the chapter "In your cluster"', () => {
  let server: ApiServer;
  let ftp: EmbeddedFtpServer;
  let clone: string;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    server = await ApiServer.start();
    ftp = await EmbeddedFtpServer.start({ tls: 'explicit', user: 'homelab' });
    await createVolume(server, { pvc: 'gaming/gaming-data' });
    clone = mkdtempSync(join(tmpdir(), 'longhaul-clone-'));
    cloneTo(clone);
    const ca = join(clone, 'build-ca.pem');
    writeFileSync(ca, ftp.ca ?? '');
    const { PATH, HOME } = process.env;
    env = {
      ...{ PATH, HOME, KUBECONFIG: server.kubeconfig, FTP_PASSWORD: ftp.password },
      // A reader's account has a certificate that everybody trusts.
      NODE_EXTRA_CA_CERTS: ca,
    };
  }, 120_000);
  afterAll(async () => {
    await ftp.stop();
    await server.stop();
    rmSync(clone, { recursive: true, force: true });
  });

  /** Runs it where the reader stands, with the account of the test in place of the reader's. */
  async function run(command: string): Promise<string> {
    const here = command
      .replace('--host ftp.example.com', `--host ${ftp.host} --port ${ftp.port}`)
      .replace(/^export FTP_PASSWORD=.*$/m, 'true');
    const child = spawn('bash', ['-c', here], { cwd: clone, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const playing = command.includes(' deploy ') ? playCluster(server) : Promise.resolve();
    const [code] = (await once(child, 'close')) as [number];
    if (code !== 0) throw new Error(`${command}: exit code ${code}\n${stderr}`);
    await playing;
    return stdout;
  }

  it('has commands that work, and prints what it shows', async () => {
    const commands = shownCommands(CHAPTER);
    expect(commands.length).toBeGreaterThan(4);
    for (const { command, output } of commands) {
      const printed = await run(command);
      expect({ command, output: withoutChance(printed) }).toEqual({ command, output: withoutChance(output) });
    }
  }, 180_000);
});
