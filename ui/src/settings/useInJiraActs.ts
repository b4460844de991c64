/** What an admin does with values in Jira: done, said, and what the server then has is shown in either case. */
import { useQueryClient } from '@tanstack/react-query';
import { asProblem } from '../api/problem';
import { keys } from '../api/queries';
import { showFlag } from '../kit/flags';
import { t } from '../messages';

export function useInJiraActs() {
  const client = useQueryClient();
  return async (done: string, what: () => Promise<unknown>) => {
    try {
      await what();
      showFlag({ tone: 'success', text: done });
    } catch (error) {
      const problem = asProblem(error);
      const detail = problem.errors[0]?.detail ?? problem.detail ?? t(`problem.${problem.kind}.do`);
      showFlag({ tone: 'error', text: `${t(`problem.${problem.kind}.title`)}. ${detail}` });
    }
    await Promise.all([keys.inJira, keys.copies, ['fields']].map((queryKey) => client.invalidateQueries({ queryKey })));
  };
}
