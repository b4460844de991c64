import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { expect, test } from 'vitest';
import { ServicesContext, type Services } from '../app/services';
import { ReaderContext } from '../app/reader';
import type { OwnOrganizations as Answer } from '../api/types';
import { fieldOf } from '../testing/fields';
import { OwnOrganizations, SharedOrganizations, useOwnOrganizations } from './OwnOrganizations';

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;

const plan = fieldOf('select', { id: 'plan', entity: 'organization', audience: 'customerView', sectionId: 's' });
const manager = fieldOf('user', { id: 'manager', entity: 'organization', audience: 'customerView', name: 'Manager', position: 1 });
const at = '2026-11-22T09:00:00Z';
const nothing: Answer = { items: [], nextCursor: null, fields: [], sections: [] };
const shared: Answer = {
  items: [
    { id: '7', name: 'Harbour', values: [{ fieldId: 'manager', value: 'a-2', text: 'Jonas Weber', updatedAt: at }, { fieldId: 'plan', value: 'a', text: 'Gold', updatedAt: at }] },
    { id: '8', name: 'Quay', values: [] },
  ],
  nextCursor: null, fields: [plan, manager], sections: [{ id: 's', entity: 'organization', name: 'Contract', position: 0, version: 1 }],
};

function Profile() {
  return <OwnOrganizations own={useOwnOrganizations()} />;
}
function Request() {
  return <SharedOrganizations own={useOwnOrganizations()} />;
}

/** What is drawn of these pages of answers. */
async function drawn(Part: () => React.ReactNode, pages: Answer[], then: (place: HTMLElement) => Promise<void> | void) {
  const place = document.createElement('div');
  const asked: (string | undefined)[] = [];
  const calls = {
    ownOrganizations: (cursor: string | undefined) => {
      asked.push(cursor);
      const page = pages[cursor === undefined ? 0 : 1];
      return page ? Promise.resolve(page) : Promise.reject(new Error('no such page'));
    },
  };
  const services = { calls, me: { accountId: 'c-1', displayName: 'Ana', role: 'customer' }, transport: { kind: 'session' } } as unknown as Services;
  const root = createRoot(place);
  await act(async () => root.render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <ServicesContext.Provider value={services}>
        <ReaderContext.Provider value={{ locale: 'en-GB', timeZone: 'UTC' }}><Part /></ReaderContext.Provider>
      </ServicesContext.Provider>
    </QueryClientProvider>,
  ));
  await act(async () => { await new Promise((done) => setTimeout(done, 0)); });
  await then(place);
  await act(async () => root.unmount());
  return asked;
}

test('whoever belongs to no organization reads nothing of it', async () => {
  for (const part of [Profile, Request]) await drawn(part, [nothing], (place) => expect(place.innerHTML).toBe(''));
});

test('each organization has what is shared of it, people by their names, and is not to be edited', async () => {
  await drawn(Profile, [shared], (place) => {
    const [harbour, quay] = [...place.querySelectorAll<HTMLElement>('[data-organization]')];
    expect([...(harbour?.querySelectorAll('dt') ?? [])].map((dt) => dt.textContent)).toEqual(['Manager', 'Plan']);
    expect(harbour?.querySelector('h4')?.textContent).toBe('Contract');
    expect([...(harbour?.querySelectorAll('dd bdi') ?? [])].map((dd) => dd.textContent)).toEqual(['Jonas Weber', 'Gold']);
    expect(quay?.querySelector('h3')?.textContent).toBe('Quay');
    expect(quay?.querySelector('p')?.textContent).toBe('Nothing is shared about it yet.');
    expect(place.querySelector('button, input')).toBeNull();
  });
  await drawn(Request, [shared], (place) => {
    expect([...place.querySelectorAll('h2')].map((name) => name.textContent)).toEqual(['Harbour']);
  });
});

test('where no field is shared, organizations are told by their names', async () => {
  await drawn(Profile, [{ ...nothing, items: [{ id: '8', name: 'Quay', values: [] }] }], (place) => {
    expect([...place.querySelectorAll('li')].map((name) => name.textContent)).toEqual(['Quay']);
    expect(place.textContent).not.toContain('Nothing is shared');
  });
});

test('what stands on a further page comes when it is asked for, and a failure is said', async () => {
  const second: Answer = { ...shared, items: [{ id: '9', name: 'Pier', values: [] }] };
  const asked = await drawn(Profile, [{ ...shared, nextCursor: '8' }, second], async (place) => {
    await act(async () => { place.querySelector<HTMLButtonElement>('button')?.click(); await new Promise((done) => setTimeout(done, 0)); });
    expect([...place.querySelectorAll('h3')].map((name) => name.textContent)).toEqual(['Harbour', 'Quay', 'Pier']);
    expect(place.querySelector('button')).toBeNull();
  });
  expect(asked).toEqual([undefined, '8']);
  await drawn(Profile, [], (place) => expect(place.querySelector('[role=alert]')).not.toBeNull());
});
