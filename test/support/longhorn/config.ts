/**
 * The two JSON documents of the backupstore, with their odd spellings: numbers as strings, and some strings of
 * `volume.cfg` as JSON inside JSON. Source: github.com/longhorn/backupstore, `backupstore.go` and `deltablock.go`.
 */
import type { CompressionMethod } from './compression';

/** What `volume.cfg` holds. */
export interface VolumeConfig {
  readonly name: string;
  readonly sizeBytes: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdTime: string;
  readonly lastBackupName: string;
  readonly lastBackupAt: string;
  /** Blocks that the backups of the volume use. */
  readonly blockCount: number;
  readonly compressionMethod: CompressionMethod;
}

export interface BlockMapping {
  /** Bytes from the start of the volume. */
  readonly offset: number;
  readonly checksum: string;
}

/** What `backup_<name>.cfg` holds. `createdTime` is empty while the backup is in progress. */
export interface BackupConfig {
  readonly name: string;
  readonly volumeName: string;
  readonly snapshotName: string;
  readonly snapshotCreatedAt: string;
  readonly createdTime: string;
  readonly sizeBytes: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly parameters: Readonly<Record<string, string>>;
  readonly isIncremental: boolean;
  readonly compressionMethod: CompressionMethod;
  /** Stored bytes of blocks that were not there before. */
  readonly newlyUploadedBytes: number;
  /** Stored bytes of blocks that a full backup wrote again. */
  readonly reUploadedBytes: number;
  /** The complete block map, in order of offset. */
  readonly blocks: readonly BlockMapping[];
}

export const isInProgress = (backup: BackupConfig): boolean => backup.createdTime === '';

/** A number as the Go struct tag `json:",string"` writes it. */
const numberText = (value: number): string => String(value);
/** A string as the Go struct tag `json:",string"` writes it: quoted twice. */
const quotedText = (value: string): string => JSON.stringify(value);

interface VolumeDocument {
  Name: string;
  Size: string;
  Labels: Record<string, string> | null;
  CreatedTime: string;
  LastBackupName: string;
  LastBackupAt: string;
  BlockCount: string;
  BackingImageName: string;
  BackingImageChecksum: string;
  CompressionMethod: string;
  StorageClassName: string;
  DataEngine: string;
}

export function encodeVolumeConfig(volume: VolumeConfig): Buffer {
  const document: VolumeDocument = {
    Name: volume.name,
    Size: numberText(volume.sizeBytes),
    Labels: volume.labels,
    CreatedTime: volume.createdTime,
    LastBackupName: volume.lastBackupName,
    LastBackupAt: volume.lastBackupAt,
    BlockCount: numberText(volume.blockCount),
    BackingImageName: quotedText(''),
    BackingImageChecksum: quotedText(''),
    CompressionMethod: quotedText(volume.compressionMethod),
    StorageClassName: quotedText('longhorn'),
    DataEngine: quotedText('v1'),
  };
  return Buffer.from(JSON.stringify(document));
}

export function decodeVolumeConfig(bytes: Buffer): VolumeConfig {
  const document = JSON.parse(bytes.toString()) as VolumeDocument;
  return {
    name: document.Name,
    sizeBytes: Number(document.Size),
    labels: document.Labels ?? {},
    createdTime: document.CreatedTime,
    lastBackupName: document.LastBackupName,
    lastBackupAt: document.LastBackupAt,
    blockCount: Number(document.BlockCount),
    compressionMethod: JSON.parse(document.CompressionMethod) as CompressionMethod,
  };
}

interface BackupDocument {
  Name: string;
  VolumeName: string;
  SnapshotName: string;
  SnapshotCreatedAt: string;
  CreatedTime: string;
  Size: string;
  Labels: Record<string, string> | null;
  Parameters: Record<string, string> | null;
  IsIncremental: boolean;
  CompressionMethod: CompressionMethod;
  NewlyUploadedDataSize: string;
  ReUploadedDataSize: string;
  ProcessingBlocks: Record<string, never> | null;
  Blocks?: { Offset: number; BlockChecksum: string }[];
  SingleFile: { FilePath: string };
}

export function encodeBackupConfig(backup: BackupConfig): Buffer {
  const document: BackupDocument = {
    Name: backup.name,
    VolumeName: backup.volumeName,
    SnapshotName: backup.snapshotName,
    SnapshotCreatedAt: backup.snapshotCreatedAt,
    CreatedTime: backup.createdTime,
    Size: numberText(backup.sizeBytes),
    Labels: backup.labels,
    Parameters: backup.parameters,
    IsIncremental: backup.isIncremental,
    CompressionMethod: backup.compressionMethod,
    NewlyUploadedDataSize: numberText(backup.newlyUploadedBytes),
    ReUploadedDataSize: numberText(backup.reUploadedBytes),
    ProcessingBlocks: null,
    ...(backup.blocks.length > 0 && {
      Blocks: backup.blocks.map(({ offset, checksum }) => ({ Offset: offset, BlockChecksum: checksum })),
    }),
    SingleFile: { FilePath: '' },
  };
  return Buffer.from(JSON.stringify(document));
}

export function decodeBackupConfig(bytes: Buffer): BackupConfig {
  const document = JSON.parse(bytes.toString()) as BackupDocument;
  return {
    name: document.Name,
    volumeName: document.VolumeName,
    snapshotName: document.SnapshotName,
    snapshotCreatedAt: document.SnapshotCreatedAt,
    createdTime: document.CreatedTime,
    sizeBytes: Number(document.Size),
    labels: document.Labels ?? {},
    parameters: document.Parameters ?? {},
    isIncremental: document.IsIncremental,
    compressionMethod: document.CompressionMethod,
    newlyUploadedBytes: Number(document.NewlyUploadedDataSize),
    reUploadedBytes: Number(document.ReUploadedDataSize),
    blocks: (document.Blocks ?? []).map(({ Offset, BlockChecksum }) => ({
      offset: Offset,
      checksum: BlockChecksum,
    })),
  };
}
