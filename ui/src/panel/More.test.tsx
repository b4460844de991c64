import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { expect, test } from 'vitest';
import { More } from './More';

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;

test('of a list that is cut it is said how many more there are, and nothing of one that is whole', async () => {
  const place = document.createElement('div');
  const root = createRoot(place);
  const said = async (of: 'people' | 'organizations', count: number) => {
    await act(async () => root.render(<More of={of} count={count} />));
    return place.textContent;
  };
  expect(await said('people', 31)).toBe('and 31 more people, whom Jira lists');
  expect(await said('organizations', 1)).toBe('and 1 more organization, on the full page');
  expect(await said('organizations', 0)).toBe('');
  await act(async () => root.unmount());
});
