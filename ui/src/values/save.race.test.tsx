import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { expect, test } from 'vitest';
import { ServicesContext, type Services } from '../app/services';
import { keys } from '../api/queries';
import type { FieldValue, Subject, ValueSet } from '../api/types';
import { useSaveValue, valueOf } from './save';

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;

const subject: Subject = { entity: 'customer', id: 'a' };
const value = (text: string, version: number): FieldValue => ({
  fieldId: 'f', value: text, version, updatedAt: '2026-01-01T10:00:00Z', updatedBy: { accountId: 'me', tokenId: null, importId: null, bulkActionId: null, displayName: 'Ana' },
});

function later<T>() {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((then) => { resolve = then; });
  return { promise, resolve };
}

test('a reading that began while a value was written, and does not know of it, has not the last word', async () => {
  const client = new QueryClient();
  client.setQueryData<ValueSet>(keys.values(subject), { version: 7, values: [value('old', 7)] });
  const written = later<FieldValue>();
  const read = later<ValueSet>();
  const services = { calls: { setValue: () => written.promise }, me: { accountId: 'me', displayName: 'Ana' } } as unknown as Services;
  let saving: ReturnType<typeof useSaveValue> | undefined;
  const Row = () => {
    saving = useSaveValue(subject);
    return null;
  };
  const root = createRoot(document.createElement('div'));
  await act(async () => root.render(
    <QueryClientProvider client={client}><ServicesContext.Provider value={services}><Row /></ServicesContext.Provider></QueryClientProvider>,
  ));
  await act(async () => {
    const saved = saving?.save({ fieldId: 'f', value: 'new', seen: 7 });
    await new Promise((then) => setTimeout(then, 0));
    const reading = client.fetchQuery({ queryKey: keys.values(subject), queryFn: () => read.promise, staleTime: 0 }).catch(() => undefined);
    written.resolve(value('new', 8));
    await saved;
    read.resolve({ version: 7, values: [value('old', 7)] });
    await reading;
    await new Promise((then) => setTimeout(then, 0));
  });
  expect(valueOf(client.getQueryData<ValueSet>(keys.values(subject)), 'f')).toEqual(value('new', 8));
  await act(async () => root.unmount());
});
