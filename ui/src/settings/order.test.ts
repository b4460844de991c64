import { describe, expect, test } from 'vitest';
import type { Section } from '../api/types';
import { fieldOf } from '../testing/fields';
import { moved, placed, shelves, stepped, type Shelf } from './order';

const section = (id: string, position: number): Section => ({ id, entity: 'customer', name: id, position, version: 1 });
const at = (id: string, sectionId: string | null, position: number) => fieldOf('text', { id, sectionId, position });
const fields = [at('c', 's2', 4), at('a', null, 0), at('b', 's1', 2), at('x', 'gone', 1), at('d', 's2', 3)];
const all = shelves(fields, [section('s2', 1), section('s1', 0), section('s3', 2)]);
const text = (s: Shelf[] | null) => s?.map((shelf) => `${shelf.sectionId ?? '-'}:${shelf.fieldIds.join('')}`).join(' ') ?? null;

describe('shelves', () => {
  test('fields stand in order under sections in order; those of a section that is gone stand without one', () => {
    expect(text(all)).toBe('-:ax s1:b s2:dc s3:');
  });
});

describe('moved', () => {
  const rows: [string[], string | null, string | null, 'before' | 'after', string][] = [
    [['a'], null, 'x', 'after', '-:xa s1:b s2:dc s3:'],
    [['c'], 's2', 'd', 'before', '-:ax s1:b s2:cd s3:'],
    [['a'], 's2', 'd', 'after', '-:x s1:b s2:dac s3:'],
    [['a'], 's3', null, 'after', '-:x s1:b s2:dc s3:a'],
    [['c', 'a'], 's1', 'b', 'before', '-:x s1:acb s2:d s3:'],
    [['a'], null, 'a', 'after', '-:ax s1:b s2:dc s3:'],
    [['d', 'c'], 's2', 'c', 'before', '-:ax s1:b s2:dc s3:'],
  ];
  test.each(rows)('%j to %s beside %s (%s) gives %s', (ids, sectionId, fieldId, place, expected) => {
    expect(text(moved(all, ids, { sectionId, fieldId, place }))).toBe(expected);
  });
  test('nothing is lost or doubled, wherever it goes', () => {
    const ids = all.flatMap((s) => s.fieldIds);
    for (const id of ids) for (const target of [...ids, null]) for (const s of all) for (const place of ['before', 'after'] as const) {
      expect(moved(all, [id], { sectionId: s.sectionId, fieldId: target, place }).flatMap((x) => x.fieldIds).sort()).toEqual([...ids].sort());
    }
  });
});

describe('stepped', () => {
  test('goes within, across the edge, and stops at the ends', () => {
    expect(text(stepped(all, 'c', -1))).toBe('-:ax s1:b s2:cd s3:');
    expect(text(stepped(all, 'd', -1))).toBe('-:ax s1:bd s2:c s3:');
    expect(text(stepped(all, 'x', 1))).toBe('-:a s1:xb s2:dc s3:');
    expect(text(stepped(all, 'c', 1))).toBe('-:ax s1:b s2:d s3:c');
    expect(stepped(all, 'a', -1)).toBeNull();
  });
});

test('placed writes the new places and sections', () => {
  const after = placed(fields, moved(all, ['a'], { sectionId: 's3', fieldId: null, place: 'after' }));
  expect(after.map((f) => `${f.id}${f.position}${f.sectionId ?? '-'}`).sort()).toEqual(['a4s3', 'b1s1', 'c3s2', 'd2s2', 'x0-']);
});
