import type { Merged } from '../api/types';
import { showFlag } from '../kit/flags';
import { t, tn } from '../messages';

/** What came of taking a merge back. */
export function showUndone({ stayed, merge }: Merged): void {
  showFlag({ tone: 'success', text: stayed > 0 ? tn('merge.undone.stayed', stayed) : t('merge.undone') });
  const [first] = merge.refused;
  if (first) showFlag({ tone: 'error', text: t('merge.refused', { reason: first.problem.detail ?? first.problem.title }) });
}
