import { describe, expect, test } from 'vitest';
import { ApiProblem } from '../api/problem';
import { restAfter, staleBy } from './live';

describe('what a change makes old', () => {
  test.each([
    [{ kind: 'customer', id: 'a' }, [['values', 'customer', 'a'], ['history', 'customer', 'a'], ['rows', 'customer'], ['panel'], ['customer', 'a'], ['merges', 'a'], ['held', 'a']]],
    [{ kind: 'organization', id: '7' }, [['values', 'organization', '7'], ['history', 'organization', '7'], ['rows', 'organization'], ['panel'], ['entitlements', '7'], ['entitlementHistory', '7']]],
    [{ kind: 'field', id: 'f' }, [['fields'], ['panel'], ['ownOrganizations']]],
    [{ kind: 'section', id: 's' }, [['sections'], ['panel'], ['ownOrganizations']]],
    [{ kind: 'product', id: 'p' }, [['products'], ['entitlements'], ['panel']]],
  ] as const)('%j', (change, keys) => {
    expect(staleBy(change)).toEqual(keys);
  });
});

describe('after a failure', () => {
  test.each([
    [0, new ApiProblem('unreachable', 'x'), 5_000],
    [2, new ApiProblem('broken', 'x'), 20_000],
    [9, new ApiProblem('busy', 'x'), 60_000],
    [0, new ApiProblem('busy', 'x', null, null, [], null, 12_000), 12_000],
    [0, new ApiProblem('unauthenticated', 'x'), null],
    [0, new ApiProblem('refused', 'x'), null],
  ])('%i %s', (failures, problem, expected) => {
    expect(restAfter(failures, problem)).toBe(expected);
  });
});
