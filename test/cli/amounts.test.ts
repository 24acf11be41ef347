import { expect, it } from 'vitest';
import { bytesText, clockText, countOf, countText, isoTime, timeText } from '../../cli/amounts.ts';

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [999_949, '999.9 kB'],
  [999_950, '1.0 MB'],
  [42_100_000_000, '42.1 GB'],
  [1.5e15, '1.5 PB'],
  [Number.MAX_SAFE_INTEGER, '9.0 PB'],
])('writes %d bytes as %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});

it.each([
  [-5, '0:00'],
  [7_999, '0:07'],
  [59_999, '0:59'],
  [754_000, '12:34'],
  [11_045_000, '3:04:05'],
  [360_000_000, '100:00:00'],
])('writes %d milliseconds as %s', (milliseconds, text) => {
  expect(clockText(milliseconds)).toBe(text);
});

it('groups the digits of counts, and bends the word for one', () => {
  expect(countText(1_234_567)).toBe('1,234,567');
  expect(countOf(1, 'object')).toBe('1 object');
  expect(countOf(0, 'object')).toBe('0 objects');
  expect(countOf(2000, 'entry', 'entries')).toBe('2,000 entries');
});

it('writes times in UTC', () => {
  const time = Date.parse('2026-04-02T02:00:59.500Z');
  expect(timeText(time)).toBe('2026-04-02 02:00:59 UTC');
  expect(isoTime(time)).toBe('2026-04-02T02:00:59Z');
});
