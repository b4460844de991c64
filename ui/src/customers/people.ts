/** People in cells: their names for what is copied, and who is meant by what is pasted. */
import type { QueryClient } from '@tanstack/react-query';
import type { Calls } from '../api/calls';
import { keys, personQuery } from '../api/queries';
import type { User } from '../api/types';
import { t } from '../messages';
import type { Read } from './cellText';

/** Each of them is a question to Jira: who pastes more has a file, and an import for it. */
export const MOST_PEOPLE = 100;
const AT_ONCE = 6;
/** What the server looks for. */
const LONGEST_TEXT = 255;

/** Asks about each of these once, a few at a time. */
export async function ofEach<T>(texts: Iterable<string>, ask: (text: string) => Promise<T>): Promise<Map<string, T>> {
  const waiting = [...new Set(texts)];
  const found = new Map<string, T>();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let text = waiting.shift(); text !== undefined; text = waiting.shift()) found.set(text, await ask(text));
  }));
  return found;
}

/** Who a text means, of those who are called so. Never the first of several. */
export function theOne(found: User[]): Read {
  const [one, other] = found;
  if (!one) return { wrong: t('paste.wrong.user') };
  return other ? { wrong: t('paste.wrong.user.several') } : { value: one.accountId };
}

/** Whom the texts mean: by account id, e-mail address or name. */
export function findPeople(client: QueryClient, calls: Calls, texts: Iterable<string>): Promise<Map<string, Read>> {
  return ofEach(texts, async (text) => {
    if (text.length > LONGEST_TEXT) return theOne([]);
    const { items } = await client.fetchQuery({ queryKey: keys.called(text), queryFn: () => calls.usersCalled(text) });
    for (const { accountId, displayName } of items) client.setQueryData(keys.person(accountId), displayName);
    return theOne(items);
  });
}

/** Reads the names of these people, so that they can be copied. */
export async function readNames(client: QueryClient, calls: Calls, accountIds: Iterable<string>): Promise<void> {
  await ofEach(accountIds, (id) => client.fetchQuery(personQuery(calls, id)));
}

/** The name of somebody, null where Jira tells none, undefined where nobody asked yet. */
export function knownName(client: QueryClient, accountId: string): string | null | undefined {
  return client.getQueryData<string | null>(keys.person(accountId));
}
