/** The clients: the AWS SDK for JavaScript with its default checksums, s3cmd, rclone and awscli. */
import { createReadStream, readFileSync, truncateSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { bodyBytes, s3Client } from '../support/s3';
import type { ClientKind } from './object-client';
import { awsEnv, rcloneEnv, s3cmdEnv, s3cmdOptions } from './program-settings';
import { runProgram } from './programs';

const PART_MIB = 5;

const sdk: ClientKind = {
  name: 'AWS SDK for JavaScript v3',
  create(target) {
    const client = s3Client(target);
    const Bucket = target.bucket;
    return {
      async put(Key, file) {
        await client.send(new PutObjectCommand({ Bucket, Key, Body: await readFile(file) }));
      },
      async putInParts(Key, file) {
        const params = { Bucket, Key, Body: createReadStream(file) };
        await new Upload({ client, params, partSize: PART_MIB * 1024 * 1024 }).done();
      },
      async get(Key, file) {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
        await writeFile(file, await bodyBytes(Body));
      },
      async getFrom(Key, start) {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, Range: `bytes=${start}-` }));
        return bodyBytes(Body);
      },
      async list(Prefix) {
        const keys: string[] = [];
        for await (const page of paginateListObjectsV2({ client }, { Bucket, Prefix })) {
          for (const { Key } of page.Contents ?? []) keys.push(Key ?? '');
        }
        return keys;
      },
      async delete(Key) {
        await client.send(new DeleteObjectCommand({ Bucket, Key }));
      },
    };
  },
};

const s3cmd: ClientKind = {
  name: 's3cmd',
  program: 's3cmd',
  create(target, directory, program) {
    const options = s3cmdOptions(target, directory);
    const url = (key: string): string => `s3://${target.bucket}/${key}`;
    const run = (...args: string[]): Promise<Buffer> =>
      runProgram(program, [...options, ...args], s3cmdEnv(directory));
    return {
      put: async (key, file) => void (await run('put', '--disable-multipart', file, url(key))),
      putInParts: async (key, file) =>
        void (await run('put', `--multipart-chunk-size-mb=${PART_MIB}`, file, url(key))),
      get: async (key, file) => void (await run('get', '--force', url(key), file)),
      async getFrom(key, start, scratch) {
        // It has no ranges of its own, but goes on with what a broken download left.
        await run('get', '--force', url(key), scratch);
        truncateSync(scratch, start);
        await run('get', '--continue', url(key), scratch);
        return readFileSync(scratch).subarray(start);
      },
      async list(prefix) {
        const text = (await run('ls', '--recursive', url(prefix))).toString();
        return text
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => line.slice(line.indexOf(url('')) + url('').length));
      },
      delete: async (key) => void (await run('del', url(key))),
    };
  },
};

const rclone: ClientKind = {
  name: 'rclone',
  program: 'rclone',
  create(target, directory, program) {
    const env = rcloneEnv(target, directory);
    const remote = (key: string): string => `gateway:${target.bucket}/${key}`;
    const run = (...args: string[]): Promise<Buffer> => runProgram(program, ['--retries', '1', ...args], env);
    return {
      put: async (key, file) => void (await run('copyto', '--s3-upload-cutoff', '100M', file, remote(key))),
      putInParts: async (key, file) =>
        void (await run(
          'copyto',
          '--s3-upload-cutoff',
          `${PART_MIB}M`,
          '--s3-chunk-size',
          `${PART_MIB}M`,
          file,
          remote(key),
        )),
      get: async (key, file) => void (await run('copyto', remote(key), file)),
      getFrom: (key, start) => run('cat', '--offset', String(start), remote(key)),
      async list(prefix) {
        const text = (await run('lsf', '--recursive', '--files-only', remote(prefix))).toString();
        return text
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => prefix + line);
      },
      delete: async (key) => void (await run('deletefile', remote(key))),
    };
  },
};

const awscli: ClientKind = {
  name: 'awscli',
  program: 'aws',
  create(target, directory, program) {
    const env = awsEnv(target, directory);
    const url = (key: string): string => `s3://${target.bucket}/${key}`;
    const run = (...args: string[]): Promise<Buffer> =>
      runProgram(program, ['--endpoint-url', target.endpoint, ...args], env);
    const api = (operation: string, key: string, ...args: string[]): Promise<Buffer> =>
      run('s3api', operation, '--bucket', target.bucket, '--key', key, ...args);
    return {
      put: async (key, file) => void (await api('put-object', key, '--body', file)),
      // Above 8 MiB `s3 cp` goes multipart by itself.
      putInParts: async (key, file) => void (await run('s3', 'cp', '--no-progress', file, url(key))),
      get: async (key, file) => void (await run('s3', 'cp', '--no-progress', url(key), file)),
      async getFrom(key, start, scratch) {
        await api('get-object', key, '--range', `bytes=${start}-`, scratch);
        return readFileSync(scratch);
      },
      async list(prefix) {
        const args = ['--bucket', target.bucket, '--prefix', prefix, '--query', 'Contents[].Key'];
        const text = (await run('s3api', 'list-objects-v2', ...args, '--output', 'json')).toString();
        return (JSON.parse(text) as string[] | null) ?? [];
      },
      delete: async (key) => void (await api('delete-object', key)),
    };
  },
};

export const CLIENT_KINDS: readonly ClientKind[] = [sdk, s3cmd, rclone, awscli];
