/**
 * A backup target as it lies on an FTP server, written without the gateway: the layout and documents as longhorn/backupstore's
 * source has them, each file sealed on its own. Its parts can be damaged one by one.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createKeyring } from '../../gateway/seal/keyring';
import { seal } from '../../gateway/seal/seal';
import { compress, type CompressionMethod } from './longhorn/compression';
import { encodeBackupConfig, encodeVolumeConfig } from './longhorn/config';

export const BUCKET = 'longhorn';
/** Small, so that tests are quick. */
export const BLOCK_SIZE = 16 * 1024;

export interface NewBackup {
  readonly volume: string;
  readonly name: string;
  /** By place in the volume. */
  readonly blocks: ReadonlyMap<number, Buffer>;
  readonly createdAt: string;
  /** @default 'lz4' */
  readonly method?: CompressionMethod;
}

const sha512 = (data: Buffer | string): string =>
  createHash('sha512').update(data).digest('hex').slice(0, 64);

export class BackupTree {
  /** What the FTP account sees as `/`. */
  readonly root = mkdtempSync(join(tmpdir(), 'longhaul-tree-'));

  /** @param key absent: files are the bare bytes */
  constructor(readonly key: Buffer | undefined) {}

  volumeKey(volume: string): string {
    const hash = sha512(volume);
    return `backupstore/volumes/${hash.slice(0, 2)}/${hash.slice(2, 4)}/${volume}`;
  }

  backupKey(volume: string, backup: string): string {
    return `${this.volumeKey(volume)}/backups/backup_${backup}.cfg`;
  }

  blockKey(volume: string, block: Buffer): string {
    return this.namedBlockKey(volume, sha512(block));
  }

  namedBlockKey(volume: string, name: string): string {
    return `${this.volumeKey(volume)}/blocks/${name.slice(0, 2)}/${name.slice(2, 4)}/${name}.blk`;
  }

  /** Where the file of a key of Longhorn's is on disk: these keys stand for themselves. */
  file(key: string): string {
    return join(this.root, BUCKET, key);
  }

  async putVolume(name: string, sizeBytes: number, lastBackupName = '', backingImage = ''): Promise<void> {
    const config = encodeVolumeConfig({
      name,
      sizeBytes,
      labels: {},
      createdTime: '2026-11-20T10:00:00Z',
      lastBackupName,
      lastBackupAt: '',
      blockCount: 0,
      compressionMethod: 'lz4',
    });
    const document = JSON.parse(config.toString()) as Record<string, unknown>;
    const image = backingImage === '' ? {} : { BackingImageName: JSON.stringify(backingImage) };
    await this.put(
      `${this.volumeKey(name)}/volume.cfg`,
      Buffer.from(JSON.stringify({ ...document, ...image })),
    );
  }

  /** Blocks and then the document, as a finished backup leaves them. */
  async putBackup(backup: NewBackup): Promise<void> {
    const { volume, blocks, method = 'lz4' } = backup;
    for (const block of blocks.values())
      await this.put(this.blockKey(volume, block), await compress(method, block));
    await this.putDocument(backup);
  }

  async putDocument({ volume, name, blocks, createdAt, method = 'lz4' }: NewBackup): Promise<void> {
    const mappings = [...blocks].map(([index, block]) => ({
      offset: index * BLOCK_SIZE,
      checksum: sha512(block),
    }));
    const config = encodeBackupConfig({
      name,
      volumeName: volume,
      snapshotName: createdAt === '' ? '' : `snapshot-${name}`,
      snapshotCreatedAt: createdAt,
      createdTime: createdAt,
      sizeBytes: mappings.length * BLOCK_SIZE,
      labels: { RecurringJob: 'nightly' },
      parameters: { 'backup-block-size': String(BLOCK_SIZE) },
      isIncremental: false,
      compressionMethod: method,
      newlyUploadedBytes: 0,
      reUploadedBytes: 0,
      blocks: mappings,
    });
    await this.put(this.backupKey(volume, name), config);
  }

  async putSystemBackup(name: string, zip: Buffer): Promise<void> {
    const directory = `backupstore/system-backups/v1.12.1/${name}`;
    const Checksum = createHash('sha256').update(zip).digest('hex');
    const config = { Name: name, LonghornVersion: 'v1.12.1', CreatedAt: '2026-11-20T10:00:00Z', Checksum };
    await this.put(`${directory}/system-backup.zip`, zip);
    await this.put(`${directory}/system-backup.cfg`, Buffer.from(JSON.stringify(config)));
  }

  /** `sizeBytes` need not be a multiple of a block, which is 2 MiB for images. */
  async putBackingImage(name: string, image: Buffer): Promise<void> {
    const Blocks = [];
    for (let offset = 0; offset < image.length; offset += 2 ** 21) {
      const block = image.subarray(offset, offset + 2 ** 21);
      const BlockChecksum = sha512(block);
      Blocks.push({ Offset: offset, BlockChecksum });
      const layers = `${BlockChecksum.slice(0, 2)}/${BlockChecksum.slice(2, 4)}`;
      await this.put(
        `backupstore/backing-images/blocks/${layers}/${BlockChecksum}.blk`,
        await compress('lz4', block),
      );
    }
    const config = {
      Name: name,
      Size: String(image.length),
      BlockCount: String(Blocks.length),
      Checksum: createHash('sha512').update(image).digest('hex'),
      Labels: null,
      CompressionMethod: 'lz4',
      CreatedTime: '2026-11-20T10:00:00Z',
      CompleteTime: '2026-11-20T10:01:00Z',
      Secret: '',
      SecretNamespace: '',
      ProcessingBlocks: null,
      Blocks,
    };
    const key = `backupstore/backing-images/backing-images/${name}/backing-image.cfg`;
    await this.put(key, Buffer.from(JSON.stringify(config)));
  }

  /** Writes an object's file, sealed for its key unless told otherwise. */
  async put(key: string, content: Buffer, sealedWith = this.key): Promise<void> {
    this.putFile(key, sealedWith ? await sealed(sealedWith, key, content) : content);
  }

  /** Writes a file as it is. */
  putFile(key: string, bytes: Buffer): void {
    mkdirSync(dirname(this.file(key)), { recursive: true });
    writeFileSync(this.file(key), bytes);
  }

  /** Changes a file's bytes behind everybody's back. */
  damage(key: string, change: (bytes: Buffer) => Buffer): void {
    writeFileSync(this.file(key), change(readFileSync(this.file(key))));
  }

  remove(key: string): void {
    rmSync(this.file(key));
  }

  copy(from: string, to: string): void {
    mkdirSync(dirname(this.file(to)), { recursive: true });
    copyFileSync(this.file(from), this.file(to));
  }

  delete(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

async function sealed(key: Buffer, objectKey: string, content: Buffer): Promise<Buffer> {
  const metadata = {
    v: 1,
    size: content.length,
    etag: createHash('md5').update(content).digest('hex'),
    lastModified: Date.parse('2026-11-20T10:00:00Z'),
    headers: { 'content-type': 'application/octet-stream' },
    metadata: {},
  };
  const sealing = seal(
    createKeyring({ writeKey: key }),
    { bucket: BUCKET, key: objectKey },
    { size: content.length, segmentLog2: 12 },
  );
  async function* source(): AsyncGenerator<Buffer> {
    if (content.length > 0) yield await Promise.resolve(content);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of sealing.stream(source(), () => Buffer.from(JSON.stringify(metadata))))
    chunks.push(chunk);
  return Buffer.concat(chunks);
}
