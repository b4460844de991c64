import { describe, expect, test } from 'vitest';
import type { Field, Value } from '../api/types';
import { fieldOf } from '../testing/fields';
import { formatDate, formatInstant, formatLanguage, formatLocalTime, formatNumber, isEmpty, plainText, sameValue } from './format';

const berlin = { locale: 'en-GB', timeZone: 'Europe/Berlin' };
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ');

describe('instants, days and numbers', () => {
  test('an instant is shown in the reader’s zone', () => {
    expect(formatInstant('2026-07-01T22:30:00Z', berlin)).toBe('2 Jul 2026, 00:30');
    expect(plain(formatInstant('2026-07-01T22:30:00Z', { locale: 'en-US', timeZone: 'America/New_York' }))).toBe('Jul 1, 2026, 6:30 PM');
  });
  test('a day is the same day in every zone', () => {
    for (const timeZone of ['Pacific/Kiritimati', 'UTC', 'Pacific/Pago_Pago']) expect(formatDate('2026-01-31', { locale: 'en-GB', timeZone })).toBe('31 Jan 2026');
  });
  test('a number keeps all of its digits', () => {
    expect(formatNumber(0.1234567, berlin)).toBe('0.1234567');
    expect(formatNumber(1250.5, { ...berlin, locale: 'de-DE' })).toBe('1.250,5');
  });
  test('what is no date is shown as it is', () => {
    expect(formatDate('soon', berlin)).toBe('soon');
    expect(formatInstant('soon', berlin)).toBe('soon');
  });
  test('local time names the weekday only where it is another day', () => {
    const now = new Date('2026-11-22T22:00:00Z');
    expect(formatLocalTime(now, 'Asia/Tokyo', berlin)).toBe('Mon 07:00, Tokyo (GMT+9)');
    expect(formatLocalTime(now, 'Europe/Paris', berlin)).toBe('23:00, Paris (GMT+1)');
    expect(formatLocalTime(now, 'Mars/Base', berlin)).toBe('Mars/Base');
  });
  test('a language has its name in the reader’s language', () => {
    expect(formatLanguage('de_DE', berlin)).toBe('German (Germany)');
    expect(formatLanguage('not a locale', berlin)).toBe('not a locale');
  });
});

describe('plainText', () => {
  const rows: [Field['type'], Value, string][] = [
    ['text', 'x', 'x'], ['text', null, 'Empty'], ['text', '', 'Empty'], ['number', 0, '0'], ['boolean', false, 'No'], ['boolean', true, 'Yes'],
    ['select', 'a', 'Gold'], ['select', 'b', 'Old (retired)'], ['select', 'gone', 'Unknown'], ['multiSelect', ['a', 'b'], 'Gold, Old (retired)'], ['multiSelect', [], 'Empty'],
    ['date', '2026-01-31', '31 Jan 2026'], ['user', 'nobody', 'Unknown'],
  ];
  test.each(rows)('%s %j is “%s”', (type, value, expected) => {
    expect(plainText(fieldOf(type), value, berlin)).toBe(expected);
  });
  test('a person is shown by name', () => {
    expect(plainText(fieldOf('user'), 'id-1', berlin, (id) => (id === 'id-1' ? 'Ana' : undefined))).toBe('Ana');
  });
});

describe('empty and same', () => {
  test('zero and no are not empty', () => {
    expect([0, false, '', null, [], ['a']].map((v) => isEmpty(v as Value))).toEqual([false, false, true, true, true, false]);
  });
  test('the order of choices does not make a difference', () => {
    expect(sameValue(['a', 'b'], ['b', 'a'])).toBe(true);
    expect(sameValue(['a'], ['a', 'b'])).toBe(false);
    expect(sameValue(null, '')).toBe(true);
    expect(sameValue(0, null)).toBe(false);
    expect(sameValue(false, null)).toBe(false);
  });
});
