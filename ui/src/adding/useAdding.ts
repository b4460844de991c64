/** What the dialogs for something new share. */
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { keys } from '../api/queries';
import { asProblem } from '../api/problem';
import { useServices } from '../app/services';
import { showFlag } from '../kit/flags';
import { t } from '../messages';

export const LONGEST_LINE = 255;
export const LONGEST_TEXT = 32_767;

/** The service projects, to choose from. */
export function useProjectChoices() {
  const { calls } = useServices();
  const projects = useQuery({ queryKey: keys.projects, queryFn: () => calls.projects() });
  return { choices: (projects.data ?? []).map((p) => ({ id: p.id, label: p.name, detail: p.key })), pending: projects.isPending, error: projects.error };
}

/** Organizations whose name or fields have these words. */
export function useOrganizationSearch(text: string) {
  const { calls } = useServices();
  const found = useQuery({ queryKey: ['organizations', 'pick', text], queryFn: () => calls.organizations('', text), placeholderData: keepPreviousData });
  return { choices: (found.data?.items ?? []).slice(0, 20).map((o) => ({ id: o.id, label: o.name })), busy: found.isFetching };
}

/** Customers whose name, address or fields have these words. */
export function useCustomerSearch(text: string) {
  const { calls } = useServices();
  const found = useQuery({ queryKey: ['customers', 'pick', text], queryFn: () => calls.customers('', text), placeholderData: keepPreviousData });
  return { choices: (found.data?.items ?? []).slice(0, 20).map((c) => ({ id: c.accountId, label: c.displayName ?? c.accountId, ...(c.emailAddress ? { detail: c.emailAddress } : {}) })), busy: found.isFetching };
}

/** What may have changed when somebody came, went or was made. */
export function useAgain() {
  const client = useQueryClient();
  return () => Promise.all(['customers', 'customer', 'organizations', 'organization', 'panel'].map((key) => client.invalidateQueries({ queryKey: [key] })));
}

export function showProblem(error: unknown): void {
  const problem = asProblem(error);
  showFlag({ tone: 'error', text: problem.detail ?? t(`problem.${problem.kind}.title`) });
}
