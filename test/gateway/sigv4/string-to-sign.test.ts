import { stringToSign } from '../../../gateway/sigv4/string-to-sign';
import { deriveSigningKey, isSameSignature, sign } from '../../../gateway/sigv4/signing-key';
import { SIGV4_VECTORS } from '../../support/sigv4-vectors';

const scope = { date: '20130524', region: 'us-east-1', service: 's3' } as const;

describe.each(SIGV4_VECTORS)('$title', (vector) => {
  it('has the published string to sign', () => {
    const context = { timestamp: '20130524T000000Z', scope };
    expect(stringToSign(context, vector.canonicalRequest)).toBe(vector.stringToSign);
  });

  it('has the published signature', () => {
    const key = deriveSigningKey(vector.secretAccessKey, scope);
    expect(sign(key, vector.stringToSign)).toBe(vector.signature);
  });
});

describe('a signature', () => {
  const signature = 'ab'.repeat(32);

  it('is the same as itself', () => {
    expect(isSameSignature(signature, signature)).toBe(true);
  });

  it.each([
    '',
    signature.slice(1),
    `${signature}0`,
    signature.toUpperCase(),
    'ba'.repeat(32),
    'é'.repeat(32),
  ])('is not the same as %s', (given) => {
    expect(isSameSignature(signature, given)).toBe(false);
  });
});
