/** How the command-line clients are told where the gateway is, each in its own way. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REGION, type S3Target } from '../support/s3';

type Environment = Readonly<Record<string, string>>;

/** Writes a configuration file into `directory`, and returns the options that every command starts with. */
export function s3cmdOptions(target: S3Target, directory: string): string[] {
  const config = join(directory, 's3cfg');
  const { host } = new URL(target.endpoint);
  const settings = {
    access_key: target.accessKeyId,
    secret_key: target.secretAccessKey,
    host_base: host,
    host_bucket: host,
    use_https: 'False',
    bucket_location: REGION,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  writeFileSync(config, ['[default]', ...lines, ''].join('\n'));
  return ['--config', config, '--no-progress'];
}

export function s3cmdEnv(directory: string): Environment {
  return { HOME: directory, LANG: 'C.UTF-8' };
}

/** The remote is called `gateway`. */
export function rcloneEnv(target: S3Target, directory: string): Environment {
  const env = {
    HOME: directory,
    RCLONE_CONFIG: join(directory, 'rclone.conf'),
    RCLONE_CONFIG_GATEWAY_TYPE: 's3',
    RCLONE_CONFIG_GATEWAY_PROVIDER: 'Other',
    RCLONE_CONFIG_GATEWAY_ENDPOINT: target.endpoint,
    RCLONE_CONFIG_GATEWAY_REGION: REGION,
    RCLONE_CONFIG_GATEWAY_ACCESS_KEY_ID: target.accessKeyId,
    RCLONE_CONFIG_GATEWAY_SECRET_ACCESS_KEY: target.secretAccessKey,
    RCLONE_CONFIG_GATEWAY_FORCE_PATH_STYLE: 'true',
  };
  writeFileSync(env.RCLONE_CONFIG, '');
  return env;
}

/** Awscli and restic read the same variables. */
export function awsEnv(target: S3Target, directory: string): Environment {
  return {
    HOME: directory,
    LANG: 'C.UTF-8',
    AWS_ACCESS_KEY_ID: target.accessKeyId,
    AWS_SECRET_ACCESS_KEY: target.secretAccessKey,
    AWS_DEFAULT_REGION: REGION,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PAGER: '',
  };
}
