import { describe, expect, it } from 'vitest';
import { problemOf } from './problem';
import { shouldRetry } from './queries';

describe('a problem', () => {
  it.each([
    [503, 'jira_unavailable', 'busy', true],
    [409, 'name_in_use', 'conflict', false],
    [409, 'jira_answer_lost', 'unheard', false],
  ] as const)('of %i %s is %s', (status, code, kind, again) => {
    const problem = problemOf(status, { title: 'A title', code }, null);
    expect(problem.kind).toBe(kind);
    expect(shouldRetry(0, problem)).toBe(again);
  });
});
