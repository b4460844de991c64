import { describe, expect, test } from 'vitest';
import type { Field, Value } from '../api/types';
import { complaint, isWebAddress, normalized } from './check';

const bad = (type: Field['type'], value: Value, required = false) => complaint({ type, required, country: null }, value) !== null;

describe('complaint', () => {
  const rows: [Field['type'], Value, boolean][] = [
    ['email', 'a@b.example', false], ['email', 'jörg@bücher.example', false], ['email', 'a@b', false], ['email', 'nobody', true], ['email', 'a b@c.example', true],
    ['url', 'https://example.com/x?y=1', false], ['url', 'javascript:alert(1)', true], ['url', 'example.com', true],
    ['phone', '+49 (0)30 / 1234-56', false], ['phone', 'call me', true], ['phone', '030 901820', true], ['phone', '0049 30 901820', true],
    ['number', 0, false], ['number', Number.NaN, true], ['text', 'anything', false],
  ];
  test.each(rows)('%s %j: wrong is %s', (type, value, wrong) => {
    expect(bad(type, value)).toBe(wrong);
  });
  test('a number is of the field’s country unless it names one', () => {
    const german = (value: Value) => complaint({ type: 'phone', required: false, country: 'DE' }, value);
    expect(['030 901820', '030/901820', '0049 30 901820', '+41 44 668 18 00'].map(german)).toEqual([null, null, null, null]);
    expect(german('call me')).not.toBeNull();
  });
  test('only what is required may not be empty', () => {
    expect(bad('text', null, true)).toBe(true);
    expect(bad('multiSelect', [], true)).toBe(true);
    expect(bad('boolean', false, true)).toBe(false);
    expect(bad('text', null)).toBe(false);
  });
});

test('only http and https are followed', () => {
  expect(['https://a.example', 'http://a.example', 'javascript:1', 'data:text/html,x', 'file:///etc'].map(isWebAddress)).toEqual([true, true, false, false, false]);
});

test('blanks are no text', () => {
  expect([normalized('  x '), normalized('   '), normalized([]), normalized(0), normalized(false)]).toEqual(['x', null, null, 0, false]);
});
