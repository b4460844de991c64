import { describe, expect, test } from 'vitest';
import { ApiProblem, problemOf } from '../api/problem';
import type { FieldValue, ValueSet } from '../api/types';
import { laterOf, outcomeOf, valueOf, withValue } from './save';

const stands = (value: FieldValue['value'], by = 'other'): FieldValue => ({
  fieldId: 'f', value, version: 8, updatedAt: '2026-01-01T10:00:00Z', updatedBy: { accountId: by, tokenId: null, importId: null, bulkActionId: null, displayName: 'Ana' },
});
const conflict = (current: FieldValue | null) => problemOf(412, { title: 'Precondition Failed', current }, null);
const write = { fieldId: 'f', value: 'mine', seen: 7 };

describe('outcomeOf', () => {
  test('what somebody else wrote is a conflict, with what they wrote', () => {
    expect(outcomeOf(conflict(stands('theirs')), write, 'me')).toEqual({ kind: 'conflict', theirs: stands('theirs') });
  });
  test('the same value by somebody else is still theirs', () => {
    expect(outcomeOf(conflict(stands('mine')), write, 'me').kind).toBe('conflict');
  });
  test('our own write whose answer was lost counts as saved', () => {
    expect(outcomeOf(conflict(stands('mine', 'me')), write, 'me')).toEqual({ kind: 'saved', now: stands('mine', 'me') });
  });
  test('another value by ourselves, from another window, is a conflict', () => {
    expect(outcomeOf(conflict(stands('other', 'me')), write, 'me').kind).toBe('conflict');
  });
  test('a conflict that does not say what stands is a failure, not a guess', () => {
    expect(outcomeOf(conflict(null), write, 'me').kind).toBe('failed');
  });
  test('anything else failed', () => {
    expect(outcomeOf(new ApiProblem('broken', 'x'), write, 'me').kind).toBe('failed');
    expect(outcomeOf(new TypeError('x'), write, 'me').kind).toBe('failed');
  });
});

test('a value takes the place of the one for its field only', () => {
  const other = { ...stands('x'), fieldId: 'g' };
  const set: ValueSet = { version: 3, values: [stands('old'), other] };
  const after = withValue(set, stands('new'));
  expect(valueOf(after, 'f')?.value).toBe('new');
  expect(valueOf(after, 'g')).toBe(other);
  expect(after.values).toHaveLength(2);
  expect(valueOf(set, 'f')?.value).toBe('old');
});

test('what was read before a value was written does not take its place', () => {
  const held: ValueSet = { version: 7, values: [stands('new')] };
  const read = (version: number): ValueSet => ({ version, values: [] });
  expect(laterOf(held, read(7))).toBe(held);
  expect(laterOf(held, read(8)).values).toEqual([]);
  expect(laterOf(undefined, read(0)).version).toBe(0);
});
