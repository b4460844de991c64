import { describe, expect, test } from 'vitest';
import { moved, parsed, sameLayout, usual, withColumn, withPin, withWidth, type Layout } from './layout';

const layout = usual(['name', 'email', 'tier', 'note']);
const keys = (l: Layout) => l.map((c) => (c.pinned ? `${c.key}*` : c.key)).join(' ');

describe('columns', () => {
  test.each<[string, (l: Layout) => Layout, string]>([
    ['nothing', (l) => l, 'name* email tier note'],
    ['one more, at the end', (l) => withColumn(l, 'phone', true), 'name* email tier note phone'],
    ['one that is there', (l) => withColumn(l, 'email', true), 'name* email tier note'],
    ['one less', (l) => withColumn(l, 'email', false), 'name* tier note'],
    ['never without the name', (l) => withColumn(l, 'name', false), 'name* email tier note'],
    ['pinned behind those that are', (l) => withPin(l, 'note', true), 'name* note* email tier'],
    ['no longer pinned, before the others', (l) => withPin(l, 'name', false), 'name email tier note'],
    ['moved before', (l) => moved(l, ['note'], 'email', 'before'), 'name* note email tier'],
    ['moved behind', (l) => moved(l, ['email'], 'note', 'after'), 'name* tier note email'],
    ['moved among the pinned', (l) => moved(l, ['note'], 'name', 'after'), 'name* note* email tier'],
    ['moved out of the pinned', (l) => moved(l, ['name'], 'tier', 'after'), 'email tier name note'],
    ['moved onto itself', (l) => moved(l, ['tier'], 'tier', 'after'), 'name* email tier note'],
    ['moved to one that is not there', (l) => moved(l, ['tier'], 'gone', 'after'), 'name* email tier note'],
  ])('%s', (_, change, expected) => {
    expect(keys(change(layout))).toBe(expected);
  });

  test.each([[1, 60], [333.4, 333], [5000, 1200], [null, null]])('a width of %s is %s', (width, expected) => {
    expect(withWidth(layout, 'email', width)[1]?.width).toBe(expected);
  });

  test('two layouts are the same when each column is', () => {
    expect(sameLayout(layout, usual(['name', 'email', 'tier', 'note']))).toBe(true);
    expect(sameLayout(layout, withWidth(layout, 'note', 100))).toBe(false);
    expect(sameLayout(layout, layout.slice(1))).toBe(false);
  });

  test.each(['', 'no', '{}', '["name"]', '[{"key":"name"}]', '[{"key":1,"width":null,"pinned":true}]'])('what is no layout is none: %s', (text) => {
    expect(parsed(text)).toBeNull();
  });
  test('what was kept is read again', () => {
    expect(parsed(JSON.stringify(layout))).toEqual(layout);
  });
});
