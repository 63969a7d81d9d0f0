/** The clients at their daily work: keeping a tree of files in a bucket. */
import { createReadStream, createWriteStream, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { Client as MinioClient } from 'minio';
import { REGION, s3Client, type S3Target } from '../support/s3';
import { awsEnv, rcloneEnv, s3cmdEnv, s3cmdOptions } from './program-settings';
import { runProgram, type RunOptions } from './programs';
import { libraryKeeper, type StoredObject, type TreeKeeper } from './tree-keeper';

export interface WorkKind {
  readonly name: string;
  /** Absent for a library. */
  readonly program?: string;
  /** `scratch` is a directory of its own. */
  create(target: S3Target, scratch: string, program: string, options: RunOptions): TreeKeeper;
}

const PART_SIZE = 8 * 1024 * 1024;

const sdk: WorkKind = {
  name: 'AWS SDK for JavaScript v3',
  create(target) {
    const client = s3Client(target);
    const Bucket = target.bucket;
    return libraryKeeper({
      async put(Key, file) {
        if (statSync(file).size <= PART_SIZE) {
          await client.send(new PutObjectCommand({ Bucket, Key, Body: await readFile(file) }));
          return;
        }
        const params = { Bucket, Key, Body: createReadStream(file) };
        await new Upload({ client, params, partSize: PART_SIZE }).done();
      },
      async get(Key, file) {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
        await pipeline(Body as NodeJS.ReadableStream, createWriteStream(file));
      },
      async list() {
        const objects: StoredObject[] = [];
        for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket })) {
          objects.push(...Contents.map(({ Key = '', Size = -1 }) => ({ key: Key, size: Size })));
        }
        return objects;
      },
      async delete(keys) {
        const Objects = keys.map((Key) => ({ Key }));
        const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
        if (Errors.length > 0) throw new Error(`not deleted: ${Errors.map(({ Key }) => Key).join(', ')}`);
      },
    });
  },
};

const minio: WorkKind = {
  name: 'minio for JavaScript',
  create(target) {
    const { hostname, port } = new URL(target.endpoint);
    const client = new MinioClient({
      endPoint: hostname,
      port: Number(port),
      useSSL: false,
      accessKey: target.accessKeyId,
      secretKey: target.secretAccessKey,
      region: REGION,
      partSize: PART_SIZE,
    });
    const { bucket } = target;
    return libraryKeeper({
      put: async (key, file) => void (await client.fPutObject(bucket, key, file)),
      get: (key, file) => client.fGetObject(bucket, key, file),
      async list() {
        const objects: StoredObject[] = [];
        for await (const item of client.listObjectsV2(bucket, '', true)) {
          const { name = '', size = -1 } = item as { name?: string; size?: number };
          objects.push({ key: name, size });
        }
        return objects;
      },
      delete: async (keys) => void (await client.removeObjects(bucket, [...keys])),
    });
  },
};

const awscli: WorkKind = {
  name: 'awscli',
  program: 'aws',
  create(target, scratch, program, options) {
    const url = `s3://${target.bucket}`;
    const s3 = (...args: string[]): Promise<Buffer> =>
      runProgram(
        program,
        ['--endpoint-url', target.endpoint, 's3', ...args],
        awsEnv(target, scratch),
        options,
      );
    return {
      store: async (tree) => void (await s3('sync', '--no-progress', '--delete', tree, url)),
      check: async (tree) =>
        expect((await s3('sync', '--dryrun', '--delete', tree, url)).toString()).toBe(''),
      fetch: async (directory) => void (await s3('sync', '--no-progress', url, directory)),
      remove: async () => void (await s3('rm', '--recursive', url)),
    };
  },
};

const rclone: WorkKind = {
  name: 'rclone',
  program: 'rclone',
  create(target, scratch, program, options) {
    const remote = `gateway:${target.bucket}`;
    const run = async (...args: string[]): Promise<void> =>
      void (await runProgram(program, ['--retries', '1', ...args], rcloneEnv(target, scratch), options));
    return {
      store: (tree) => run('sync', tree, remote),
      async check(tree) {
        await run('check', tree, remote);
        await run('check', '--download', tree, remote);
      },
      fetch: (directory) => run('copy', remote, directory),
      remove: () => run('delete', remote),
    };
  },
};

const s3cmd: WorkKind = {
  name: 's3cmd',
  program: 's3cmd',
  create(target, scratch, program, options) {
    const url = `s3://${target.bucket}/`;
    const common = s3cmdOptions(target, scratch);
    const run = (...args: string[]): Promise<Buffer> =>
      runProgram(program, [...common, ...args], s3cmdEnv(scratch), options);
    const sync = ['sync', '--delete-removed'];
    return {
      store: async (tree) => void (await run(...sync, `${tree}/`, url)),
      check: async (tree) =>
        expect((await run(...sync, '--dry-run', `${tree}/`, url)).toString()).not.toMatch(
          /^(upload|delete):/m,
        ),
      fetch: async (directory) => void (await run('sync', url, `${directory}/`)),
      remove: async () => void (await run('del', '--recursive', '--force', url)),
    };
  },
};

const restic: WorkKind = {
  name: 'restic',
  program: 'restic',
  create(target, scratch, program, options) {
    const env = { ...awsEnv(target, scratch), RESTIC_PASSWORD: 'of a test' };
    const common = ['--no-cache', '--repo', `s3:${target.endpoint}/${target.bucket}`];
    const run = async (args: readonly string[], cwd = scratch): Promise<void> =>
      void (await runProgram(program, [...common, ...args], env, { ...options, cwd }));
    let initialized = false;
    return {
      async store(tree) {
        if (!initialized) await run(['init']);
        initialized = true;
        await run(['backup', '.'], tree);
      },
      check: () => run(['check', '--read-data']),
      fetch: (directory) => run(['restore', 'latest', '--target', directory]),
      async remove() {
        await run(['forget', '--keep-last', '1', '--prune']);
        await run(['check']);
        // A repository is more than its snapshots: the rest goes like any other tree.
        await sdk.create(target, scratch, '', options).remove();
      },
    };
  },
};

const s3fs: WorkKind = {
  name: 's3fs',
  program: 's3fs',
  create(target, scratch, program, options) {
    const mount = join(scratch, 'mount');
    const passwords = join(scratch, 'passwd-s3fs');
    mkdirSync(mount);
    writeFileSync(passwords, `${target.accessKeyId}:${target.secretAccessKey}`, { mode: 0o600 });
    const settings = `passwd_file=${passwords},url=${target.endpoint},use_path_request_style`;
    const run = async (path: string, ...args: string[]): Promise<void> =>
      void (await runProgram(path, args, { LANG: 'C.UTF-8' }, options));
    const mounted = async (use: () => Promise<void>): Promise<void> => {
      await run(program, target.bucket, mount, '-o', settings);
      try {
        await use();
      } finally {
        await run('/bin/umount', mount);
      }
    };
    const differences = (tree: string) => run('/usr/bin/diff', '--recursive', '--brief', tree, mount);
    return {
      store: (tree) =>
        mounted(async () => {
          await run('/usr/bin/find', mount, '-mindepth', '1', '-delete');
          await run('/bin/cp', '--recursive', `${tree}/.`, mount);
        }),
      check: (tree) => mounted(() => differences(tree)),
      fetch: (directory) => mounted(() => run('/bin/cp', '--recursive', `${mount}/.`, directory)),
      remove: () => mounted(() => run('/usr/bin/find', mount, '-mindepth', '1', '-delete')),
    };
  },
};

export const WORK_KINDS: readonly WorkKind[] = [sdk, minio, awscli, rclone, s3cmd, restic, s3fs];
