/** The body of CompleteMultipartUpload. */
import { S3Error } from '../errors';
import type { ChecksumAlgorithm, CompletedPart } from '../store/object-store';
import { MAX_PART_NUMBER } from './multipart';
import { childrenOf, readDocument, textOf, type XmlChildren } from './xml-read';

const ALGORITHMS: readonly ChecksumAlgorithm[] = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'];

/**
 * In the order of the request; of a part named twice in a row, as by a client that sent it again, the last.
 * Throws `MalformedXML`, also for no part and for more than 10,000; `InvalidArgument` for a part number out of range.
 */
export function readCompleteRequest(xml: string): CompletedPart[] {
  const root = readDocument(xml, 'CompleteMultipartUpload');
  const parts = childrenOf(root, 'Part').map(readPart);
  if (parts.length === 0 || parts.length > MAX_PART_NUMBER) throw new S3Error('MalformedXML');
  return parts.filter(({ partNumber }, i) => partNumber !== parts[i + 1]?.partNumber);
}

function readPart(part: XmlChildren): CompletedPart {
  const number = textOf(part, 'PartNumber')?.trim() ?? '';
  const etag = textOf(part, 'ETag')
    ?.trim()
    .replace(/^"(.*)"$/, '$1');
  if (!/^\d{1,10}$/.test(number) || etag === undefined) throw new S3Error('MalformedXML');
  const partNumber = Number(number);
  if (partNumber < 1 || partNumber > MAX_PART_NUMBER) {
    const message = `Part number must be an integer between 1 and ${MAX_PART_NUMBER}, inclusive.`;
    throw new S3Error('InvalidArgument', {
      message,
      details: { ArgumentName: 'partNumber', ArgumentValue: number },
    });
  }
  const checksum = ALGORITHMS.map((algorithm) => textOf(part, `Checksum${algorithm}`)).find((each) => each);
  return { partNumber, etag, ...(checksum !== undefined && { checksum }) };
}
