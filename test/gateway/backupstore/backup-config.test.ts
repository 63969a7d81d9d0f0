import {
  BackupConfigError,
  BackupConfigParser,
  blockSizeOf,
  isInProgress,
  type BackupConfig,
  type BlockMapping,
} from '../../../gateway/backupstore/backup-config';
import { checksumOf } from '../../../gateway/backupstore/layout';

const A = checksumOf('a');
const B = checksumOf('b');

/** As Go marshals Longhorn's `Backup`: field by field, 64-bit numbers as strings, `&` and `<` escaped. */
const COMPLETE = `{"Name":"backup-0c5a4fbd4f0f4a2e","VolumeName":"pvc-1","SnapshotName":"daily-b8e4","SnapshotCreatedAt":"2026-11-20T02:00:03Z","CreatedTime":"2026-11-20T02:00:41Z","Size":"6291456","Labels":{"KubernetesStatus":"{\\"pvName\\":\\"pvc-1\\",\\"BlockChecksum\\":\\"${'0'.repeat(64)}\\"}","RecurringJob":"a\\u0026b \\u003cc\\u003e"},"Parameters":{"backup-block-size":"16777216","backup-mode":"incremental"},"IsIncremental":true,"CompressionMethod":"lz4","NewlyUploadedDataSize":"2101","ReUploadedDataSize":"0","ProcessingBlocks":{},"Blocks":[{"Offset":0,"BlockChecksum":"${A}"},{"Offset":2097152,"BlockChecksum":"${B}"},{"Offset":1125899906842624,"BlockChecksum":"${A}"}],"SingleFile":{"FilePath":""}}`;
const STUB = `{"Name":"backup-1","VolumeName":"pvc-1","SnapshotName":"","SnapshotCreatedAt":"","CreatedTime":"","Size":"0","Labels":null,"Parameters":null,"IsIncremental":false,"CompressionMethod":"lz4","NewlyUploadedDataSize":"0","ReUploadedDataSize":"0","ProcessingBlocks":null,"SingleFile":{"FilePath":""}}`;
const IMAGE = `{"Name":"debian","Size":"4194304","BlockCount":"1","Checksum":"${A}${B}","Labels":{},"CompressionMethod":"lz4","CreatedTime":"2026-11-20T02:00:00Z","CompleteTime":"2026-11-20T02:01:00Z","Secret":"","SecretNamespace":"","ProcessingBlocks":{"Blocks":{}},"Blocks":[{"Offset":0,"BlockChecksum":"${B}"}]}`;

function parse(text: string | Buffer, pieceBytes = 7): BackupConfig & { blocks: BlockMapping[] } {
  const blocks: BlockMapping[] = [];
  const parser = new BackupConfigParser((block) => blocks.push(block));
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) parser.write(bytes.subarray(at, at + pieceBytes));
  return { ...parser.end(), blocks };
}

describe('the document of a backup', () => {
  it.each([1, 7, 100_000])('is read in pieces of %d bytes', (pieceBytes) => {
    const config = parse(COMPLETE, pieceBytes);
    expect(config).toEqual({
      name: 'backup-0c5a4fbd4f0f4a2e',
      volumeName: 'pvc-1',
      completedAt: '2026-11-20T02:00:41Z',
      snapshotCreatedAt: '2026-11-20T02:00:03Z',
      sizeBytes: 6_291_456,
      compressionMethod: 'lz4',
      labels: {
        KubernetesStatus: `{"pvName":"pvc-1","BlockChecksum":"${'0'.repeat(64)}"}`,
        RecurringJob: 'a&b <c>',
      },
      parameters: { 'backup-block-size': '16777216', 'backup-mode': 'incremental' },
      blocks: [
        { offset: 0, checksum: A },
        { offset: 2_097_152, checksum: B },
        { offset: 2 ** 50, checksum: A },
      ],
    });
    expect(blockSizeOf(config)).toBe(16 * 1024 * 1024);
    expect(isInProgress(config)).toBe(false);
  });

  it('is in progress while it has no creation time', () => {
    const stub = parse(STUB);
    expect(isInProgress(stub)).toBe(true);
    expect(stub.blocks).toEqual([]);
    expect(blockSizeOf(stub)).toBe(2 * 1024 * 1024);
  });

  it('of a backing image is in progress until it has a completion time', () => {
    expect(parse(IMAGE)).toMatchObject({ name: 'debian', volumeName: '', blocks: [{ checksum: B }] });
    expect(isInProgress(parse(IMAGE))).toBe(false);
    expect(isInProgress(parse(IMAGE.replace('2026-11-20T02:01:00Z', '')))).toBe(true);
  });

  it('of an old Longhorn was compressed with gzip, in blocks of 2 MiB', () => {
    const config = parse(
      `{"Name":"b","VolumeName":"v","CreatedTime":"t","Blocks":[{"Offset":0,"BlockChecksum":"${A}"}]}`,
    );
    expect(config.compressionMethod).toBe('gzip');
    expect(blockSizeOf(config)).toBe(2 * 1024 * 1024);
  });

  it.each([
    ['nothing', '', 'cut short'],
    ['half of it', COMPLETE.slice(0, 900), 'cut short'],
    ['no JSON', '<html>', 'not JSON'],
    ['bytes that are no UTF-8', Buffer.from('{"Name":"\xff"}', 'latin1'), 'JSON'],
    ['more behind it', `${STUB}{`, 'not JSON'],
    ['a number', '1 ', 'no Name'],
    ['no name', '{}', 'no Name'],
    [
      'a block without a checksum',
      '{"Name":"b","Blocks":[{"Offset":0}]}',
      'block 0 has no valid BlockChecksum',
    ],
    ['a block that is null', '{"Name":"b","Blocks":[null]}', 'block 0 has no valid Offset'],
    ['a negative offset', `{"Name":"b","Blocks":[{"Offset":-1,"BlockChecksum":"${A}"}]}`, 'block 0'],
    ['a time that is a number', '{"Name":"b","CreatedTime":5}', 'CreatedTime is not a string'],
    ['labels that are a number', '{"Name":"b","Labels":5}', 'Labels is not a map'],
    ['a label that is a number', '{"Name":"b","Labels":{"a":5}}', 'Labels holds something else than strings'],
  ])('is refused with %s', (_name, text, message) => {
    expect(() => parse(text)).toThrow(BackupConfigError);
    expect(() => parse(text)).toThrow(message);
  });

  it('is refused rather than held in memory when a value has no end', () => {
    const parser = new BackupConfigParser(() => undefined);
    parser.write(Buffer.from('{"Name":"'));
    const endless = (): void => {
      for (let i = 0; i < 100; i++) parser.write(Buffer.alloc(100_000, 'x'));
    };
    expect(endless).toThrow('longer than');
  });

  it('is refused with a block size that is no number', () => {
    expect(() => blockSizeOf(parse(COMPLETE.replace('16777216', '16Mi')))).toThrow(BackupConfigError);
  });
});
