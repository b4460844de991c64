/**
 * What others change shows by itself: one call waits for the next change while the page is in sight, and what it names is read again.
 * Who is editing keeps what they saw: a save still names the version from which it began.
 */
import { useEffect } from 'react';
import { useQueryClient, type QueryKey } from '@tanstack/react-query';
import { asProblem } from '../api/problem';
import type { Changes } from '../api/types';
import { useServices } from './services';

/** Below what Jira lets a call take. */
const WAIT_SECONDS = 20;
/** Between two calls, whatever they answer. */
const BREATH_MS = 1_000;
const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 60_000;

/** What of the cache a change makes old. */
export function staleBy({ kind, id }: Changes['changes'][number]): QueryKey[] {
  switch (kind) {
    case 'customer': return [['values', kind, id], ['history', kind, id], ['rows', kind], ['panel'], ['customer', id], ['merges', id], ['held', id]];
    case 'organization': return [['values', kind, id], ['history', kind, id], ['rows', kind], ['panel'], ['entitlements', id], ['entitlementHistory', id]];
    case 'field': return [['fields'], ['panel'], ['ownOrganizations']];
    case 'section': return [['sections'], ['panel'], ['ownOrganizations']];
    case 'product': return [['products'], ['entitlements'], ['panel']];
  }
}

/** How long to wait after so many failures in a row; never again when the server says that this is not for us. */
export function restAfter(failures: number, error: unknown): number | null {
  const { kind, retryAfterMs } = asProblem(error);
  if (kind === 'unauthenticated' || kind === 'refused' || kind === 'notfound') return null;
  return retryAfterMs ?? Math.min(FIRST_WAIT_MS * 2 ** failures, LONGEST_WAIT_MS);
}

/** Resolves after a time, when the page comes into sight if it is not, or when it is left. */
function rest(ms: number, left: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', seen);
      left.removeEventListener('abort', done);
      resolve();
    };
    let over = false;
    const seen = () => { if (over && !document.hidden) done(); };
    const timer = setTimeout(() => {
      over = true;
      seen();
    }, ms);
    document.addEventListener('visibilitychange', seen);
    left.addEventListener('abort', done);
  });
}

export function useLive(): void {
  const { calls } = useServices();
  const client = useQueryClient();
  useEffect(() => {
    const leaving = new AbortController();
    const { signal } = leaving;
    const listen = async () => {
      let after: number | undefined;
      let failures = 0;
      while (!signal.aborted) {
        let pause = BREATH_MS;
        try {
          const told: Changes = await calls.changes(after, after === undefined ? 0 : WAIT_SECONDS);
          if (signal.aborted) return;
          after = told.after;
          failures = 0;
          const stale = new Map(told.changes.flatMap(staleBy).map((key) => [JSON.stringify(key), key]));
          for (const queryKey of stale.values()) void client.invalidateQueries({ queryKey });
          if (told.more) pause = 0;
        } catch (error) {
          const wait = restAfter(failures, error);
          if (wait === null) return;
          failures += 1;
          pause = wait;
        }
        await rest(pause, signal);
      }
    };
    void listen();
    return () => leaving.abort();
  }, [calls, client]);
}
