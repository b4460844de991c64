import { asProblem } from '../api/problem';
import { showFlag } from '../kit/flags';
import { t } from '../messages';
import { useServices } from './services';

/** Opens one of our own pages: on our origin by its address, from Jira's frame in a new tab by a one-time ticket. */
export function useFullPage(): (hash: string) => Promise<void> {
  const { calls, transport } = useServices();
  return async (hash) => {
    if (transport.kind === 'session') {
      window.location.hash = hash;
      return;
    }
    try {
      const { url } = await calls.ticket();
      const target = new URL(url);
      target.hash = hash;
      transport.openTab(target.href);
    } catch (error) {
      const problem = asProblem(error);
      showFlag({ tone: 'error', text: problem.detail ?? t(problem.passing ? 'problem.busy.do' : 'problem.broken.do') });
    }
  };
}
