import { checkCopySource, checkRead, writeCondition, type Headers } from '../../../gateway/s3/conditions';
import { thrownBy } from '../../contract/refusal';
import type { ObjectInfo } from '../../../gateway/store/object-store';

const lastModified = Date.UTC(2026, 0, 2, 3, 4, 5);
const info = { etag: 'abc', lastModified } as ObjectInfo;
const before = 'Fri, 02 Jan 2026 03:04:04 GMT';
const same = 'Fri, 02 Jan 2026 03:04:05 GMT';
const failed = 'PreconditionFailed';

describe('the conditions of a read', () => {
  const proceeds: [string, Headers][] = [
    ['there are none', {}],
    ['If-Match has the ETag', { 'if-match': '"abc"' }],
    ['If-Match has it without quotes', { 'if-match': 'abc' }],
    ['If-Match has it in a list', { 'if-match': '"x", W/"abc"' }],
    ['If-Match is *', { 'if-match': '*' }],
    ['If-None-Match has another ETag', { 'if-none-match': '"x"' }],
    ['it changed since', { 'if-modified-since': before }],
    ['it did not change since', { 'if-unmodified-since': same }],
    [
      'If-Match holds, whatever If-Unmodified-Since says',
      { 'if-match': 'abc', 'if-unmodified-since': before },
    ],
    [
      'If-None-Match holds, whatever If-Modified-Since says',
      { 'if-none-match': 'x', 'if-modified-since': same },
    ],
    ['a date is no date', { 'if-modified-since': 'yesterday', 'if-unmodified-since': '12' }],
  ];
  it.each(proceeds)('let it proceed if %s', (_name, headers) => {
    expect(checkRead(headers, info)).toBe('proceed');
  });

  const notModified: [string, Headers][] = [
    ['If-None-Match has the ETag', { 'if-none-match': '"abc"' }],
    ['If-None-Match is *', { 'if-none-match': '*' }],
    ['it did not change since', { 'if-modified-since': same }],
  ];
  it.each(notModified)('answer that it is not modified if %s', (_name, headers) => {
    expect(checkRead(headers, info)).toBe('not-modified');
  });

  const failing: [string, Headers][] = [
    ['If-Match has another ETag', { 'if-match': '"x"' }],
    ['it changed since', { 'if-unmodified-since': before }],
    ['If-Match fails, whatever If-None-Match says', { 'if-match': '"x"', 'if-none-match': '"abc"' }],
  ];
  it.each(failing)('fail if %s', (_name, headers) => {
    expect(thrownBy(() => checkRead(headers, info))).toBe(failed);
  });

  it('take the older forms of dates', () => {
    expect(checkRead({ 'if-modified-since': 'Friday, 02-Jan-26 03:04:05 GMT' }, info)).toBe('not-modified');
    expect(checkRead({ 'if-modified-since': 'Fri Jan  2 03:04:05 2026' }, info)).toBe('not-modified');
  });
});

describe('the conditions of a copy', () => {
  it('hold or fail, with nothing in between', () => {
    expect(() => checkCopySource({ 'x-amz-copy-source-if-match': 'abc' }, info)).not.toThrow();
    expect(() => checkCopySource({ 'if-match': 'x' }, info)).not.toThrow();
    for (const headers of [
      { 'x-amz-copy-source-if-match': 'x' },
      { 'x-amz-copy-source-if-none-match': 'abc' },
      { 'x-amz-copy-source-if-modified-since': same },
      { 'x-amz-copy-source-if-unmodified-since': before },
    ]) {
      expect(thrownBy(() => checkCopySource(headers, info))).toBe(failed);
    }
  });
});

describe('the condition of a write', () => {
  it('is none without headers', () => {
    expect(writeCondition({})).toBeUndefined();
  });

  it('lets If-None-Match * make an object, but not replace it', () => {
    const condition = writeCondition({ 'if-none-match': '*' });
    expect(() => condition?.(undefined)).not.toThrow();
    expect(thrownBy(() => condition?.(info))).toBe(failed);
  });

  it('lets If-Match replace just that object', () => {
    const condition = writeCondition({ 'if-match': '"abc"' });
    expect(() => condition?.(info)).not.toThrow();
    expect(thrownBy(() => condition?.({ ...info, etag: 'x' }))).toBe(failed);
    expect(thrownBy(() => condition?.(undefined))).toBe('NoSuchKey');
  });

  it('lets If-None-Match replace anything but that object', () => {
    const condition = writeCondition({ 'if-none-match': '"abc"' });
    expect(thrownBy(() => condition?.(info))).toBe(failed);
    expect(() => condition?.({ ...info, etag: 'x' })).not.toThrow();
    expect(() => condition?.(undefined)).not.toThrow();
  });
});
