/** What is cached under which key, and how failed calls are tried again. */
import { QueryClient, useQuery } from '@tanstack/react-query';
import { useServices } from '../app/services';
import type { Calls } from './calls';
import { asProblem } from './problem';
import type { Entity, Subject } from './types';

/** Tries after the first, for failures that pass by themselves. */
const RETRIES = 3;
const FIRST_WAIT_MS = 500;
/** A longer Retry-After is shown to the person instead of waited for. */
const LONGEST_WAIT_MS = 10_000;
const FRESH_MS = 30_000;

export const keys = {
  panel: (issue: string, person: string | undefined) => ['panel', issue, person ?? null] as const,
  values: (s: Subject) => ['values', s.entity, s.id] as const,
  history: (s: Subject, fieldId: string | null) => ['history', s.entity, s.id, fieldId] as const,
  fields: (entity: Entity, retired = false) => ['fields', entity, retired] as const,
  field: (id: string) => ['field', id] as const,
  typeChanges: (fieldId: string) => ['typeChanges', fieldId] as const,
  typeChangeRows: (id: string, outcome: string, version: string) => ['typeChange', id, 'rows', outcome, version] as const,
  typeChangeKept: (id: string) => ['typeChange', id, 'kept'] as const,
  bulkActions: (entity: Entity) => ['bulkActions', entity] as const,
  bulkAction: (id: string) => ['bulkAction', id] as const,
  bulkRows: (id: string, outcome: string, version: string) => ['bulkAction', id, 'rows', outcome, version] as const,
  bulkKept: (id: string) => ['bulkAction', id, 'kept'] as const,
  sections: (entity: Entity) => ['sections', entity] as const,
  list: (entity: Entity, query: string, search: string) => [`${entity}s`, query, search] as const,
  customer: (id: string) => ['customer', id] as const,
  completions: (entity: Entity, query: string, cursor: number) => ['completions', entity, query, cursor] as const,
  organization: (id: string) => ['organization', id] as const,
  projects: ['projects'] as const,
  held: (accountId: string) => ['held', accountId] as const,
  readings: (accountId: string) => ['readings', accountId] as const,
  duplicates: ['duplicates'] as const,
  merges: (accountId: string) => ['merges', accountId] as const,
  mergePreview: (kept: string, merged: string) => ['merges', kept, 'preview', merged] as const,
  products: ['products'] as const,
  entitlements: (organizationId: string) => ['entitlements', organizationId] as const,
  entitlementHistory: (organizationId: string) => ['entitlementHistory', organizationId] as const,
  myEntitlements: (accountId: string) => ['entitlements', 'of', accountId] as const,
  person: (accountId: string) => ['person', accountId] as const,
  called: (text: string) => ['users', 'called', text] as const,
  rows: (entity: Entity, fields: string[], ids: string[]) => ['rows', entity, fields, ids] as const,
  search: (words: string) => ['search', words] as const,
  views: (entity: Entity) => ['views', entity] as const,
  permissions: ['permissions'] as const,
  tokens: ['tokens'] as const,
  customerKeys: ['customerKeys'] as const,
  portal: ['portal'] as const,
  ownRequests: (accountId: string) => ['ownRequests', accountId] as const,
  ownOrganizations: (accountId: string) => ['ownOrganizations', accountId] as const,
  webhooks: ['webhooks'] as const,
  inJira: ['inJira'] as const,
  copies: ['copies'] as const,
  issueFields: ['issueFields'] as const,
  deliveries: (webhookId: string, state: string | null) => ['deliveries', webhookId, state] as const,
  imports: ['imports'] as const,
  import: (id: string) => ['import', id] as const,
  importPreview: (id: string, encoding: string | null, delimiter: string | null) => ['import', id, 'preview', encoding, delimiter] as const,
  importRows: (id: string, outcome: string | null, version: string) => ['import', id, 'rows', outcome, version] as const,
  importKept: (id: string) => ['import', id, 'kept'] as const,
  importMade: (id: string, version: string) => ['import', id, 'made', version] as const,
};

export function shouldRetry(failures: number, error: unknown): boolean {
  const problem = asProblem(error);
  return problem.passing && failures < RETRIES && (problem.retryAfterMs ?? 0) <= LONGEST_WAIT_MS;
}

/** What the server asked for, else doubling with jitter, so that many pages do not come back at once. */
export function retryDelay(failures: number, error: unknown): number {
  const asked = asProblem(error).retryAfterMs;
  return asked ?? Math.min(FIRST_WAIT_MS * 2 ** failures * (0.75 + Math.random() / 2), LONGEST_WAIT_MS);
}

export function queryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: { staleTime: FRESH_MS, retry: shouldRetry, retryDelay, refetchOnWindowFocus: false },
      // Writes carry If-Match: one that arrived although its answer was lost is recognised, not made twice.
      mutations: { retry: shouldRetry, retryDelay },
    },
  });
}

export function useValues(subject: Subject) {
  const { calls } = useServices();
  return useQuery({ queryKey: keys.values(subject), queryFn: () => calls.values(subject) });
}

export function useFields(entity: Entity, retired = false, enabled = true) {
  const { calls } = useServices();
  return useQuery({ queryKey: keys.fields(entity, retired), queryFn: () => calls.fields(entity, retired), enabled });
}

export function useSections(entity: Entity, enabled = true) {
  const { calls } = useServices();
  return useQuery({ queryKey: keys.sections(entity), queryFn: () => calls.sections(entity), enabled });
}

/** The name of the person with this account id; null where Jira tells none. */
export function personQuery(calls: Calls, accountId: string) {
  return {
    queryKey: keys.person(accountId),
    queryFn: async () => (await calls.users(accountId)).items.find((u) => u.accountId === accountId)?.displayName ?? null,
    staleTime: Number.POSITIVE_INFINITY,
  };
}

/** The name of the person with this account id, for values of type user; undefined until (or unless) it is known. */
export function usePersonName(accountId: string | null): string | undefined {
  const { calls, me } = useServices();
  // Customers may not look people up.
  const found = useQuery({ ...personQuery(calls, accountId ?? ''), enabled: accountId !== null && accountId !== me.accountId && me.role !== 'customer' });
  return accountId === me.accountId ? me.displayName : (found.data ?? undefined);
}
