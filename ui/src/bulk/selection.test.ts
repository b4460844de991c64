import { describe, expect, test } from 'vitest';
import { between, chosen, countOf, isChosen, isNothing, NOTHING, sent, type Selection } from './selection';

const all: Selection = { all: true, query: 'tier = Gold', search: '', except: new Set() };

describe('which rows are chosen', () => {
  test('by their ids, one and several', () => {
    const some = chosen(chosen(NOTHING, ['a', 'b', 'c'], true), ['b'], false);
    expect(['a', 'b', 'c'].map((id) => isChosen(some, id))).toEqual([true, false, true]);
    expect(countOf(some, 407)).toBe(2);
    expect(sent(some)).toEqual({ ids: ['a', 'c'] });
    expect(isNothing(chosen(some, ['a', 'c'], false), null)).toBe(true);
  });
  test('all that the list finds, but for some', () => {
    const most = chosen(all, ['a', 'b'], false);
    expect([isChosen(most, 'a'), isChosen(most, 'never seen')]).toEqual([false, true]);
    expect(countOf(most, 407)).toBe(405);
    expect(countOf(most, null)).toBeNull();
    expect(sent(most)).toEqual({ query: 'tier = Gold', except: ['a', 'b'] });
    expect(countOf(chosen(most, ['a'], true), 407)).toBe(406);
    expect(isNothing(chosen(all, ['a'], false), 1)).toBe(true);
    expect(isNothing(all, null)).toBe(false);
  });
  test('from one row to another, in both directions', () => {
    const ids = ['a', 'b', 'c', 'd'];
    expect(between(ids, 1, 3)).toEqual(['b', 'c', 'd']);
    expect(between(ids, 2, 0)).toEqual(['a', 'b', 'c']);
    expect(between(ids, 2, 2)).toEqual(['c']);
  });
});
