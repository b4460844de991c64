import { expect, test } from 'vitest';
import { mayStandOnIssues, queryFor, whyWords } from './injira';

test('what agents alone see, long texts and people are not offered', () => {
  const field = { audience: 'customerView', type: 'text', retired: false } as const;
  expect(mayStandOnIssues(field)).toBe(true);
  expect(mayStandOnIssues({ ...field, audience: 'agents' })).toBe(false);
  expect(mayStandOnIssues({ ...field, type: 'longText' })).toBe(false);
  expect(mayStandOnIssues({ ...field, type: 'user' })).toBe(false);
  expect(mayStandOnIssues({ ...field, retired: true })).toBe(false);
});

test('a query to begin with', () => {
  expect(queryFor({ alias: 'stewardString1', type: 'select' })).toBe('stewardString1 = "…"');
  expect(queryFor({ alias: 'stewardNumber1', type: 'number' })).toBe('stewardNumber1 > 0');
  expect(queryFor({ alias: null, type: 'text' })).toBe(null);
});

test('a code without words is no answer', () => {
  expect(whyWords('too_long')).toContain('too long');
  expect(whyWords('outward_timeout')).toBe(whyWords(null));
  expect(whyWords('toString')).toBe(whyWords(null));
});
