import { describe, expect, test } from 'vitest';
import type { Field, Value } from '../api/types';
import { fieldOf } from '../testing/fields';
import { blockOf, blockText, cellText, readCell } from './cellText';

const options = ['Gold', 'Very gold; shiny', 'Silver'].map((label, i) => ({ id: `o${i}`, label, retired: false }));
const reader = (locale: string, timeZone = 'Europe/Berlin') => ({ locale, timeZone });
const of = (type: Field['type'], more: Partial<Field> = {}) => fieldOf(type, { options: type.endsWith('elect') ? [...options, { id: 'old', label: 'Bronze', retired: true }] : [], ...more });

describe('blocks', () => {
  test.each<[string, string[][]]>([
    ['a\tb\r\nc\td', [['a', 'b'], ['c', 'd']]],
    ['a\tb\n', [['a', 'b']]],
    ['"two\nlines"\t"a ""quote"""', [['two\nlines', 'a "quote"']]],
    ['\t\r\n\t', [['', ''], ['', '']]],
    ['a,b', [['a,b']]],
  ])('%j', (text, cells) => {
    expect(blockOf(text)).toEqual(cells);
  });
  test('what is copied is what is pasted', () => {
    const cells = [['a\tb', 'line\nbreak', '"'], ['', ' x ', '=1+1']];
    expect(blockOf(blockText(cells))).toEqual(cells);
  });
});

describe('cells', () => {
  test.each<[Field, Value]>([
    [of('text'), 'Zoë'], [of('longText'), 'two\nlines'], [of('number'), -1234.5], [of('date'), '2026-01-31'], [of('dateTime'), '2026-01-31T09:00:00Z'],
    [of('boolean'), false], [of('select'), 'o1'], [of('multiSelect'), ['o0', 'o2']], [of('email'), 'a@example.com'], [of('phone'), '+4930123456'], [of('user'), 'account-1'], [of('text'), null],
  ])('$type is read back as it was', (f, value) => {
    for (const locale of ['en', 'de', 'fr-CH']) expect(readCell(f, cellText(f, value, locale), reader(locale))).toEqual({ value });
  });
  test.each<[Field, string, Value]>([
    [of('number'), '1.234,5', 1234.5], [of('boolean'), 'YES', true], [of('boolean'), '0', false], [of('select'), ' gold ', 'o0'], [of('select'), 'Very gold; shiny', 'o1'],
    [of('multiSelect'), 'silver;gold', ['o2', 'o0']], [of('multiSelect'), 'Very gold; shiny', ['o1']], [of('date'), '', null],
    [of('date'), ' 31.01.2026 ', '2026-01-31'], [of('date'), '2026-01-31', '2026-01-31'], [of('dateTime'), '31.01.2026, 09:00', '2026-01-31T08:00:00Z'],
    [of('dateTime'), '2026-01-31 09:00', '2026-01-31T08:00:00Z'], [of('dateTime'), '2026-01-31T09:00:00+02:00', '2026-01-31T07:00:00Z'], [of('user'), '', null],
  ])('$type takes “%s”', (f, text, value) => {
    expect(readCell(f, text, reader('de'))).toEqual({ value });
  });
  test.each<[Field, string]>([
    [of('number'), 'twelve'], [of('boolean'), 'perhaps'], [of('select'), 'Bronze'], [of('select'), 'Platinum'], [of('multiSelect'), 'Gold; Platinum'],
    [of('date'), '31.01.2026'], [of('date'), '2026-13-31'], [of('date'), 'Contract 7'], [of('dateTime'), 'tomorrow'], [of('dateTime'), 'Contract 7'], [of('dateTime'), '2026-01-31'], [of('email'), 'nobody'], [of('text', { required: true }), ' '],
  ])('$type refuses “%s”', (f, text) => {
    expect(readCell(f, text, reader('en'))).toHaveProperty('wrong');
  });
  test('what is refused says which forms are taken', () => {
    expect(readCell(of('date'), 'Contract 7', reader('en-GB'))).toEqual({ wrong: 'Write a date in one of these forms: 2026-01-31 · 31 Jan 2026 · 31/01/2026' });
    expect(readCell(of('date'), 'Contract 7', reader('de'))).toEqual({ wrong: 'Write a date in one of these forms: 2026-01-31 · 31.01.2026' });
    expect(readCell(of('dateTime'), 'Contract 7', reader('de', 'Asia/Tokyo'))).toHaveProperty('wrong', expect.stringMatching(/2026-01-31T09:00:00Z · 2026-01-31 09:00 · 31\.01\.2026, 09:00\. Without a zone, Asia\/Tokyo is meant/));
  });
  test('people are copied by name and read by whoever finds them', () => {
    expect(cellText(of('user'), 'account-1', 'en', (id) => (id === 'account-1' ? 'Ana Silva' : undefined))).toBe('Ana Silva');
    expect(cellText(of('user'), 'account-2', 'en', () => undefined)).toBe('account-2');
    const find = (text: string) => (text === 'Ana Silva' ? { value: 'account-1' } : { wrong: 'nobody' });
    expect(readCell(of('user'), ' Ana Silva ', reader('en'), find)).toEqual({ value: 'account-1' });
    expect(readCell(of('user'), 'Ana', reader('en'), find)).toEqual({ wrong: 'nobody' });
    expect(readCell(of('user', { required: true }), ' ', reader('en'), find)).toHaveProperty('wrong');
  });
});
