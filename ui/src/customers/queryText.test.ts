import { describe, expect, test } from 'vitest';
import { fieldOf } from '../testing/fields';
import { completed, directionOf, examples, ofProject, projectOf, quoted, rangeNow, reordered, segments, sortNames } from './queryText';

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

describe('the next order by a name', () => {
  test.each([
    ['', 'name', 'ORDER BY name'],
    ['ORDER BY name', 'name', 'ORDER BY name DESC'],
    ['order by NAME asc', 'name', 'ORDER BY name DESC'],
    ['ORDER BY name DESC', 'name', ''],
    ['tier = Gold', 'name', 'tier = Gold ORDER BY name'],
    ['tier = Gold ORDER BY name DESC, email', 'name', 'tier = Gold'],
    ['tier = Gold ORDER BY email, name', 'name', 'tier = Gold ORDER BY name'],
    ['(tier = Gold)order  by email', 'Support tier', '(tier = Gold) ORDER BY "Support tier"'],
    ['ORDER BY "Support tier"', 'support tier', 'ORDER BY "support tier" DESC'],
    ['ORDER BY "a \\"b\\", c" desc', 'a "b", c', ''],
    ["note ~ 'order by name'", 'name', "note ~ 'order by name' ORDER BY name"],
    ['note ~ "say \\" order by name"', 'name', 'note ~ "say \\" order by name" ORDER BY name'],
    ['reorder = 1', 'name', 'reorder = 1 ORDER BY name'],
    ['ORDER BY organization.tier', 'tier', 'ORDER BY tier'],
    ['ORDER BY', 'name', 'ORDER BY name'],
  ])('%s, %s', (query, name, expected) => {
    expect(reordered(query, name)).toBe(expected);
  });

  test('goes around: three presses end where they began', () => {
    for (const query of ['', 'tier = Gold', 'note ~ "order by"']) {
      let now = query;
      const seen = [1, 2, 3].map(() => directionOf(now = reordered(now, 'Support tier'), 'support TIER'));
      expect([seen, now]).toEqual([['ascending', 'descending', null], query]);
    }
  });

  test('a field whose name means something else in a query goes by its id, and people give no order', () => {
    const fields = [fieldOf('select', { id: 'f1', name: 'Tier' }), fieldOf('email', { id: 'f2', name: 'Email' }), fieldOf('user', { id: 'f3', name: 'Manager' })];
    expect(sortNames({ name: 'name' }, ['email'], fields)).toEqual({ name: 'name', f1: 'Tier', f2: 'f2' });
  });
});

describe('whose customers a query asks for', () => {
  test.each([
    ['', null, 'project = IT', ''],
    ['tier = Gold', null, 'project = IT AND tier = Gold', 'tier = Gold'],
    ['project = CARE', 'CARE', 'project = IT', ''],
    ['project = "IT help" AND tier = Gold ORDER BY name', 'IT help', 'project = IT AND tier = Gold ORDER BY name', 'tier = Gold ORDER BY name'],
    ['tier = Gold OR tier = Tin', null, 'project = IT AND (tier = Gold OR tier = Tin)', 'tier = Gold OR tier = Tin'],
    ['project = CARE AND (tier = Gold OR tier = Tin)', 'CARE', 'project = IT AND (tier = Gold OR tier = Tin)', 'tier = Gold OR tier = Tin'],
    // It is not of one project alone.
    ['project = CARE AND tier = Gold OR tier = Tin', null, 'project = IT AND (project = CARE AND tier = Gold OR tier = Tin)', 'project = CARE AND tier = Gold OR tier = Tin'],
    ['project = CARE AND (a = b) AND (c = d)', 'CARE', 'project = IT AND (a = b) AND (c = d)', '(a = b) AND (c = d)'],
    ['project = CARE AND name ~ "this or that"', 'CARE', 'project = IT AND name ~ "this or that"', 'name ~ "this or that"'],
    ['project IS EMPTY', null, 'project = IT AND project IS EMPTY', 'project IS EMPTY'],
    ['project != CARE', null, 'project = IT AND project != CARE', 'project != CARE'],
    ['ORDER BY name', null, 'project = IT ORDER BY name', 'ORDER BY name'],
  ])('%s', (query, project, of, all) => {
    expect(projectOf(query)).toBe(project);
    expect(ofProject(query, 'IT')).toBe(of);
    expect(ofProject(query, null)).toBe(all);
  });
});
