import { describe, expect, test } from 'vitest';
import type { Token, TokenScope } from '../api/types';
import { byExpiry, endOf, lifeOf, narrowed } from './tokens';

const now = new Date('2026-11-22T09:00:00Z');

describe('lifeOf', () => {
  const rows: [string, string, number][] = [
    ['2026-11-22T08:59:59Z', 'expired', 0],
    ['2026-11-22T09:00:00Z', 'expired', 0],
    ['2026-11-22T09:00:01Z', 'soon', 1],
    ['2026-12-06T09:00:00Z', 'soon', 14],
    ['2026-12-06T09:00:01Z', 'good', 15],
    ['2027-02-20T09:00:00Z', 'good', 90],
  ];
  test.each(rows)('%s is %s, %i days', (expiresAt, state, days) => {
    expect(lifeOf({ expiresAt }, now)).toEqual({ state, days });
  });
});

describe('narrowed', () => {
  const rows: [TokenScope[], TokenScope[]][] = [
    [[], []],
    [['customers:write', 'customers:read'], ['customers:write']],
    [['fields:read', 'customers:write'], ['customers:write', 'fields:read']],
    [['organizations:read', 'customers:write'], ['customers:write', 'organizations:read']],
  ];
  test.each(rows)('%j becomes %j', (chosen, sent) => {
    expect(narrowed(chosen)).toEqual(sent);
  });
});

test('those that end first come first', () => {
  const token = (name: string, expiresAt: string) => ({ name, expiresAt }) as Token;
  const sorted = byExpiry([token('b', '2027-01-01T00:00:00Z'), token('c', '2026-12-01T00:00:00Z'), token('a', '2027-01-01T00:00:00Z')]);
  expect(sorted.map((t) => t.name)).toEqual(['c', 'a', 'b']);
});

test('a life is counted from now', () => {
  expect(endOf(90, now).toISOString()).toBe('2027-02-20T09:00:00.000Z');
});
