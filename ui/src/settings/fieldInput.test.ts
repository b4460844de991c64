import { expect, test } from 'vitest';
import { audiencesOf, audienceWord } from './fieldInput';

test('who can be given a field depends on whose it is: an organization’s value is changed by no member', () => {
  expect(audiencesOf('customer').map((one) => one.id)).toEqual(['agents', 'customerView', 'customerEdit']);
  expect(audiencesOf('organization').map((one) => one.id)).toEqual(['agents', 'customerView']);
  expect(audiencesOf('organization')[1]?.detail).toBe('editor.audience.members.detail');
  expect(audienceWord({ entity: 'customer', audience: 'customerEdit' })).toBe('audience.customerEdit');
  expect(audienceWord({ entity: 'organization', audience: 'customerView' })).toBe('audience.members');
  expect(audienceWord({ entity: 'organization', audience: 'agents' })).toBe('audience.agents');
});
