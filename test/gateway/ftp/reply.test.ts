import fc from 'fast-check';
import {
  classifyFailure,
  classifyReplyCode,
  FtpConnectionError,
  FtpReplyError,
  isRefusal,
} from '../../../gateway/ftp/reply';

describe('FTP reply', () => {
  it.each([
    [421, 'transient'],
    [425, 'transient'],
    [426, 'transient'],
    [450, 'transient'],
    [451, 'transient'],
    [430, 'denied'],
    [530, 'denied'],
    [452, 'full'],
    [552, 'full'],
    [501, 'refused'],
    [550, 'refused'],
    [553, 'refused'],
  ])('%i is %s', (replyCode, expected) => {
    expect(classifyReplyCode(replyCode)).toBe(expected);
  });

  it('has the same class whatever its text says', () => {
    fc.assert(
      fc.property(fc.integer({ min: 400, max: 599 }), fc.string(), (replyCode, text) => {
        expect(new FtpReplyError('SIZE', replyCode, text).replyClass).toBe(classifyReplyCode(replyCode));
      }),
    );
  });

  it('is a refusal only if it is definite', () => {
    expect(isRefusal(new FtpReplyError('SIZE', 550, 'No such file'))).toBe(true);
    expect(isRefusal(new FtpReplyError('SIZE', 450, 'No such file'))).toBe(false);
    expect(isRefusal(new FtpReplyError('STOR', 552, 'Quota'))).toBe(false);
    expect(isRefusal(new FtpConnectionError('SIZE', new Error('550')))).toBe(false);
  });
});

describe('failure', () => {
  it('of a connection is transient, and of something else has no class', () => {
    expect(classifyFailure(new FtpConnectionError('RETR', new Error('reset')))).toBe('transient');
    expect(classifyFailure(new Error('wrong signature'))).toBeUndefined();
  });
});
