import { describe, expect, test } from 'vitest';
import { fieldOf } from '../testing/fields';
import { completed, examples, quoted, rangeNow, segments } from './queryText';

describe('what is underlined', () => {
  test.each([
    ['tier = Glod', [{ offset: 7, length: 4 }], ['tier = ', '!Glod']],
    ['teir = x', [{ offset: 0, length: 4 }], ['!teir', ' = x']],
    ['teir = x AND a < b', [{ offset: 15, length: 1 }, { offset: 0, length: 4 }], ['!teir', ' = x AND a ', '!<', ' b']],
    ['tier =', [{ offset: 6, length: 0 }], ['tier =', '!']],
    ['a', [{ offset: 9, length: 9 }], ['a']],
    ['ab', [{ offset: 0, length: 2 }, { offset: 1, length: 1 }], ['!ab']],
    ['', [], []],
  ])('%s', (text, mistakes, expected) => {
    expect(segments(text, mistakes).map((s) => (s.wrong ? `!${s.text}` : s.text))).toEqual(expected);
  });
});

describe('completion', () => {
  test.each([
    ['ti', 0, 2, 'Tier', 'Tier |'],
    ['tier ', 5, 0, 'IN (', 'tier IN (|'],
    ['ti = Gold', 0, 2, 'Tier', 'Tier |= Gold'],
    ['tier IN (go)', 9, 2, 'Gold', 'tier IN (Gold|)'],
  ])('%s + %s', (text, offset, length, insert, expected) => {
    const after = completed(text, offset, length, insert);
    expect(`${after.text.slice(0, after.caret)}|${after.text.slice(after.caret)}`).toBe(expected);
  });
});

test('a completion is taken while the next is asked for', () => {
  const completion = { of: 'tier = go', offset: 7, length: 2 };
  expect(rangeNow('tier = go', 9, completion)).toEqual({ offset: 7, length: 2 });
  expect(rangeNow('tier = gold', 11, completion)).toEqual({ offset: 7, length: 4 });
  expect(rangeNow('teir = gold', 11, completion)).toBeNull();
  expect(rangeNow('tier = go', 3, { ...completion, of: 'tier = g' })).toBeNull();
});

test('names are quoted where they need it', () => {
  expect(['Tier', 'Support tier', 'Größe', 'Nr. 5', 'in', 'a"b'].map(quoted)).toEqual(['Tier', '"Support tier"', 'Größe', '"Nr. 5"', '"in"', '"a\\"b"']);
});

describe('examples', () => {
  const tier = fieldOf('select', { name: 'Support tier', options: [{ id: '1', label: 'Gold', retired: false }, { id: '2', label: 'Very gold', retired: false }] });
  test('are made of the site’s own fields', () => {
    expect(examples('customer', [tier, fieldOf('date', { name: 'Renewal' })], [])).toEqual([
      '"Support tier" IN (Gold, "Very gold")', '"Support tier" WAS "Very gold" BEFORE startOfMonth()', '"Support tier" CHANGED AFTER -30d ORDER BY updated DESC', 'Renewal < 30d ORDER BY Renewal',
    ]);
  });
  test('there is always one', () => {
    expect(examples('customer', [], [])).toEqual(['organization IS EMPTY']);
    expect(examples('organization', [], [])).toEqual(['members > 0']);
  });
});
