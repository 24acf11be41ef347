import { describe, expect, it } from 'vitest';
import { isAtLeast, OLDEST_VERSION } from '../../core/clickhouse-version.ts';

describe('a version of ClickHouse', () => {
  it.each([
    ['24.8', true],
    ['24.8.1.2684', true],
    ['24.10.1', true],
    ['26.7.2.1', true],
    ['100.1', true],
    ['24.8.14.10501.altinitystable', true],
    ['24.7.9', false],
    ['24.1', false],
    ['24', false],
    ['18.16.1', false],
    ['', false],
    ['next', false],
    ['v26.7', false],
  ])('%j is new enough: %j', (version, expected) => {
    expect(isAtLeast(version, OLDEST_VERSION)).toBe(expected);
  });

  it('that is none is not even the oldest of all', () => {
    expect(isAtLeast('', '0')).toBe(false);
    expect(isAtLeast('next', '0.0')).toBe(false);
    expect(isAtLeast('0', '0')).toBe(true);
  });

  it('is at least itself', () => {
    expect(isAtLeast('26.7.2.1', '26.7.2.1')).toBe(true);
    expect(isAtLeast('26.7.2', '26.7.2.1')).toBe(false);
  });
});
