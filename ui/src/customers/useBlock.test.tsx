import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, type ClipboardEvent, type ComponentProps, type ReactElement } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ServicesContext, type Services } from '../app/services';
import { keys } from '../api/queries';
import type { RowValues, User, Value } from '../api/types';
import { onAnnounce } from '../kit/announce';
import { fieldOf } from '../testing/fields';
import type { PasteDialog } from './PasteDialog';
import { useBlock, type Span } from './useBlock';
import type { Change } from './useCellWrites';

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;

/** Two of one name, and a third. */
const users: (User & { email: string })[] = [
  { accountId: 'a1', displayName: 'Ana Silva', email: 'ana@one.example' }, { accountId: 'a2', displayName: 'Ana Silva', email: 'ana@two.example' }, { accountId: 'b1', displayName: 'Bo Ek', email: 'bo@one.example' },
];
const manager = fieldOf('user', { id: 'manager', name: 'Manager' });
const note = fieldOf('text', { id: 'note', name: 'Note' });
const ids = ['r0', 'r1', 'r2', 'r3'];

let rows: Map<string, RowValues>;
let written: Change[];
let asked: string[];
let said: string[];
let client: QueryClient;
let root: Root;
let block: ReturnType<typeof useBlock>;
let stop: () => void;

const rowOf = (id: string, values: Record<string, Value>): RowValues => ({
  id, version: 1, values: Object.entries(values).map(([fieldId, value]) => ({ fieldId, value, version: 1, updatedAt: '2026-01-01T10:00:00Z', updatedBy: { accountId: 'me', tokenId: null, importId: null, bulkActionId: null, displayName: 'Me' } })),
});

/** What a clipboard keeps between a copy and a paste. */
function clipboard() {
  const held = new Map<string, string>();
  return {
    held,
    event: { preventDefault: () => undefined, clipboardData: { setData: (type: string, text: string) => void held.set(type, text), getData: (type: string) => held.get(type) ?? '' } } as unknown as ClipboardEvent,
  };
}
/** What the window over the table would show. */
const shown = () => (block.dialog as ReactElement<ComponentProps<typeof PasteDialog>> | null)?.props;
const settled = () => act(async () => { await new Promise((then) => setTimeout(then, 20)); });
const at = (row: number, column: number, bottom = row, right = column): Span => ({ top: row, bottom, left: column, right });

async function table(inSight: string[] = ids) {
  const found = (query: string) => users.filter((u) => [u.accountId, u.displayName, u.email].some((word) => word.toLowerCase() === query.toLowerCase()));
  const calls = {
    users: async (query: string) => ({ items: found(query), nextCursor: null }),
    usersCalled: async (query: string) => { asked.push(query); return { items: found(query), nextCursor: null }; },
    rowValues: async (_: string, wanted: string[]) => wanted.flatMap((id) => rows.get(id) ?? []),
  };
  const services = { calls, me: { accountId: 'me', displayName: 'Me Myself', role: 'agent' } } as unknown as Services;
  const Table = () => {
    block = useBlock({
      entity: 'customer', ids, nameOf: (id) => id, fields: [manager, note, null], builtInText: (row) => `built-in ${row}`, mayEdit: true,
      lookup: (id) => (inSight.includes(id) ? rows.get(id) : undefined), write: async (changes) => void written.push(...changes),
    });
    return null;
  };
  await act(async () => root.render(<QueryClientProvider client={client}><ServicesContext.Provider value={services}><Table /></ServicesContext.Provider></QueryClientProvider>));
}

beforeEach(() => {
  rows = new Map([['r0', rowOf('r0', { manager: 'a2', note: 'x' })], ['r1', rowOf('r1', { manager: 'me' })], ['r2', rowOf('r2', {})], ['r3', rowOf('r3', { manager: 'b1' })]]);
  [written, asked, said] = [[], [], []];
  client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  root = createRoot(document.createElement('div'));
  stop = onAnnounce((text) => said.push(text));
});
afterEach(async () => {
  stop();
  await act(async () => root.unmount());
});

test('people are copied by name, and pasted again they are who they were, also where two have one name', async () => {
  for (const u of users) client.setQueryData(keys.person(u.accountId), u.displayName);
  await table();
  const { held, event } = clipboard();
  act(() => block.copy(event, at(0, 0, 1, 2)));
  expect(held.get('text/plain')).toBe('Ana Silva\tx\tbuilt-in 0\r\nMe Myself\t\tbuilt-in 1');
  act(() => block.paste(event, at(2, 0)));
  await settled();
  expect(asked).toEqual([]);
  // The column from Jira is left out, so that it is asked first.
  expect(written).toEqual([]);
  expect(shown()?.left).toBe(2);
  await act(async () => shown()?.onWrite());
  expect(written).toEqual([{ id: 'r2', fieldId: 'manager', to: 'a2' }, { id: 'r2', fieldId: 'note', to: 'x' }, { id: 'r3', fieldId: 'manager', to: 'me' }]);
});

test('people are found by name, address or account id, each text once; who is several or nobody is refused in words', async () => {
  await table();
  const { held, event } = clipboard();
  held.set('text/plain', 'bo ek\r\nANA@ONE.example\r\na2\r\n bo ek ');
  act(() => block.paste(event, at(0, 0)));
  await settled();
  expect(asked.toSorted()).toEqual(['ANA@ONE.example', 'a2', 'bo ek']);
  expect(written).toEqual([{ id: 'r0', fieldId: 'manager', to: 'b1' }, { id: 'r1', fieldId: 'manager', to: 'a1' }, { id: 'r2', fieldId: 'manager', to: 'a2' }]);
  written = [];
  held.set('text/plain', 'Ana Silva\r\nBo\r\nBo Ek');
  act(() => block.paste(event, at(0, 0)));
  await settled();
  expect(shown()?.cells.map((c) => c.read)).toEqual([
    { wrong: expect.stringMatching(/^Several people are called this/) as string }, { wrong: expect.stringMatching(/^Jira knows nobody/) as string }, { value: 'b1' },
  ]);
  expect(written).toEqual([]);
});

test('a name from elsewhere is not taken for the id that was copied before', async () => {
  for (const u of users) client.setQueryData(keys.person(u.accountId), u.displayName);
  await table();
  const one = clipboard();
  act(() => block.copy(one.event, at(3, 0)));
  // Another program writes its own text, which takes ours away.
  const other = clipboard();
  other.held.set('text/plain', 'Bo Ek');
  act(() => block.paste(other.event, at(2, 0)));
  await settled();
  expect(asked).toEqual(['Bo Ek']);
  expect(written).toEqual([{ id: 'r2', fieldId: 'manager', to: 'b1' }]);
});

test('what is not read yet is not copied as if it were empty: it is read, and copied the next time', async () => {
  await table(['r0']);
  const { held, event } = clipboard();
  act(() => block.copy(event, at(0, 0, 3, 0)));
  expect(held.size).toBe(0);
  await settled();
  expect(said).toContain('Not all of this is read yet. One moment.');
  act(() => block.copy(event, at(0, 0, 3, 0)));
  expect(held.get('text/plain')).toBe('Ana Silva\r\nMe Myself\r\n\r\nBo Ek');
  // What comes from Jira is there with the rows.
  act(() => block.copy(event, at(1, 2, 2, 2)));
  expect(held.get('text/plain')).toBe('built-in 1\r\nbuilt-in 2');
});
