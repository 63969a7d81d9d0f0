/** One large object up and down: its share of what bare basic-ftp reaches, the gateway's memory, and where its processor time goes. */
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { availableServers } from '../support/ftp-servers';
import type { Bench, Cell } from './bench';
import { secondsOf, Stage } from './stage';

const MIB = 1_048_576;
const LINE = { name: '20 ms, 1 Gbit/s', roundTripMs: 20, megabits: 1000 };

export const bench: Bench = {
  name: 'large',
  async run({ quick, only, progress }) {
    const mebibytes = quick ? 128 : 1024;
    const rows: Cell[][] = [];
    for (const kind of availableServers()) {
      for (const tls of [false, true]) {
        const name = `${kind}, ${tls ? 'TLS' : 'plain'}`;
        if (!name.includes(only ?? '')) continue;
        progress(name);
        const stage = await Stage.set({ kind, tls, line: LINE });
        try {
          rows.push([`${kind}${tls ? ', TLS' : ''}`, ...(await measure(stage, mebibytes))]);
        } finally {
          await stage.clear();
        }
      }
    }
    return [
      {
        title: `An object of ${mebibytes} MiB, ${LINE.name}`,
        notes: [
          'MiB/s, one connection each. Memory: the most that the gateway had resident. CPU: seconds of the gateway for each GiB sent; what is left after hashing and sealing is sockets, copies and the rest.',
        ],
        columns: [
          ...['server', 'floor up', 'gateway up', 'share up', 'floor down', 'gateway down', 'share down'],
          ...['memory MiB', 'CPU s/GiB', 'SHA-256', 'MD5', 'AES-GCM', 'rest'],
        ],
        rows,
      },
    ];
  },
};

async function measure(stage: Stage, mebibytes: number): Promise<Cell[]> {
  const { load, gateway } = stage;
  const shape = { connections: 1, files: 1, size: mebibytes * MIB };
  await load.putRepeated('warm', randomBytes(MIB), 8);
  const floorUp = (await stage.bare({ ...shape, direction: 'up' })).seconds;
  const cpuBefore = gateway.cpuSeconds();
  const up = await secondsOf(() => load.putRepeated('large', randomBytes(MIB), mebibytes));
  const cpu = ((gateway.cpuSeconds() - cpuBefore) / mebibytes) * 1024;
  const floorDown = (await stage.bare({ ...shape, direction: 'down' })).seconds;
  const down = await secondsOf(async () => void (await load.get('large')));
  const parts = cryptoSeconds();
  const rest = cpu - parts.reduce((sum, part) => sum + part, 0);
  return [
    ...[mebibytes / floorUp, mebibytes / up, floorUp / up],
    ...[mebibytes / floorDown, mebibytes / down, floorDown / down],
    ...[gateway.peakRssBytes() / MIB, cpu, ...parts, rest],
  ];
}

/** Processor seconds that SHA-256, MD5 and AES-256-GCM take of a GiB, here and now. */
function cryptoSeconds(): [sha256: number, md5: number, gcm: number] {
  const piece = randomBytes(262_144);
  const [key, nonce] = [randomBytes(32), randomBytes(12)];
  return [
    cpuOf(() => createHash('sha256').update(piece).digest()),
    cpuOf(() => createHash('md5').update(piece).digest()),
    cpuOf(() => createCipheriv('aes-256-gcm', key, nonce).update(piece)),
  ];
}

function cpuOf(work: () => unknown): number {
  const before = process.cpuUsage();
  // 64 MiB, that is a sixteenth.
  for (let count = 0; count < 256; count += 1) work();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) / 1e6) * 16;
}
