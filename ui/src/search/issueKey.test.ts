import { expect, test } from 'vitest';
import { issueKeyOf } from './issueKey';

test.each([
  ['CARE-12', 'CARE-12'],
  [' care-12 ', 'CARE-12'],
  ['A2_B-1', 'A2_B-1'],
  ['C-1', null],
  ['CARE-0', null],
  ['CARE-', null],
  ['2CARE-1', null],
  ['CARE-1 x', null],
  ['', null],
])('%j is the key %j', (text, key) => {
  expect(issueKeyOf(text)).toBe(key);
});
