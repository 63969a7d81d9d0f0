/** Which names a bucket may have. */
import { HEALTH_PATH, READY_PATH } from '../../lib/names';

/** S3's rules for general purpose buckets: 3 to 63 of a-z, 0-9, hyphen and dot; not an IP address; no reserved affix. */
export function isBucketName(name: string): boolean {
  return (
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
    !name.includes('..') &&
    !/^\d+\.\d+\.\d+\.\d+$/.test(name) &&
    !/^(xn--|sthree-|amzn-s3-demo-)/.test(name) &&
    !/(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/.test(name)
  );
}

/** Path-style, these buckets would stand where the probes are answered; so they cannot be made. */
export function isReservedBucketName(name: string): boolean {
  return [HEALTH_PATH, READY_PATH].includes(`/${name}`);
}
