import { parsePayloadHash } from '../../../gateway/sigv4/payload-hash';
import { refusal } from '../../support/refusal';

const hex = '0123456789abcdef'.repeat(4);

describe('a payload hash', () => {
  it.each([
    [hex, { kind: 'sha256', hex }],
    [hex.toUpperCase(), { kind: 'sha256', hex }],
    ['UNSIGNED-PAYLOAD', { kind: 'unsigned' }],
    ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', { kind: 'streaming', signed: true, trailer: false }],
    ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER', { kind: 'streaming', signed: true, trailer: true }],
    ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', { kind: 'streaming', signed: false, trailer: true }],
  ])('%s is understood, and signed as the client wrote it', (text, parsed) => {
    expect(parsePayloadHash(text)).toEqual({ ...parsed, text });
  });

  it.each([
    ['', '400 InvalidArgument'],
    ['unsigned-payload', '400 InvalidArgument'],
    ['UNSIGNED', '400 InvalidArgument'],
    [hex.slice(1), '400 InvalidArgument'],
    ['STREAMING-UNSIGNED-PAYLOAD', '400 InvalidArgument'],
    ['STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD', '501 NotImplemented'],
    ['STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER', '501 NotImplemented'],
  ])('%j is refused with %s', (text, expected) => {
    expect(refusal(() => parsePayloadHash(text))).toBe(expected);
  });
});
