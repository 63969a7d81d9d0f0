import { cronInUtc, LocalTimeError } from '../../lib/local-time';
import { formatOffset, offsetMinutes, wallClock } from '../../lib/time-zone';

describe('a local time as cron in UTC', () => {
  it.each([
    ['03:00 Europe/Paris', '0 2 * * *'],
    ['Sun 03:00 Europe/Paris', '0 2 * * 0'],
    ['Sun 00:30 Europe/Paris', '30 23 * * 6'],
    ['Mon-Fri 22:30 America/New_York', '30 3 * * 2,3,4,5,6'],
    ['Fri-Mon 12:00 UTC', '0 12 * * 0,1,5,6'],
    ['Sat,Sun 04:15 Asia/Kolkata', '45 22 * * 5,6'],
    ['02:00 Australia/Sydney', '0 16 * * *'],
    ['9:05 Asia/Tokyo', '5 0 * * *'],
  ])('%s is %s', (local, cron) => {
    expect(cronInUtc(local, 2026).cron).toBe(cron);
  });

  it('says what daylight saving makes of it', () => {
    expect(cronInUtc('03:00 Europe/Paris', 2026).note).toBe(
      'cron runs in UTC and cannot follow daylight saving: "0 2 * * *" is 03:00 in Europe/Paris at UTC+1, and 04:00 at UTC+2',
    );
    expect(cronInUtc('23:30 America/St_Johns', 2026).note).toMatch(
      /23:30 .* at UTC-3:30, and 00:30 at UTC-2:30$/,
    );
    expect(cronInUtc('03:00 Asia/Tokyo', 2026)).not.toHaveProperty('note');
  });

  it.each([
    ['03:00', 'expected a time and a zone such as "03:00 Europe/Paris"'],
    ['24:00 UTC', 'expected a time and a zone'],
    ['03:60 UTC', 'expected a time and a zone'],
    ['3am Europe/Paris', 'expected a time and a zone'],
    ['03:00 Paris', '"Paris" is no time zone'],
    [
      'Sonntag 03:00 Europe/Paris',
      '"Sonntag" is no day of the week: there are sun, mon, tue, wed, thu, fri, sat',
    ],
    ['Mon-Wed-Fri 03:00 UTC', '"Mon-Wed-Fri" is no day of the week'],
  ])('refuses "%s"', (local, message) => {
    expect(() => cronInUtc(local)).toThrow(LocalTimeError);
    expect(() => cronInUtc(local)).toThrow(message);
  });
});

describe('the clock of a zone', () => {
  it('shows date, time and day there', () => {
    expect(wallClock('Pacific/Auckland', Date.UTC(2026, 0, 1, 12))).toEqual({
      date: '2026-01-02',
      time: '01:00',
      weekday: 'Fri',
    });
    expect(wallClock('UTC', Date.UTC(2026, 0, 1))).toMatchObject({ time: '00:00' });
  });

  it.each([
    ['Asia/Kathmandu', 345, 'UTC+5:45'],
    ['America/New_York', -300, 'UTC-5'],
    ['UTC', 0, 'UTC'],
  ])('of %s is %i minutes ahead of UTC: %s', (zone, minutes, text) => {
    expect(offsetMinutes(zone, Date.UTC(2026, 0, 1))).toBe(minutes);
    expect(formatOffset(minutes)).toBe(text);
  });
});
