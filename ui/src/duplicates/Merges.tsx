/** On a customer's page: where they went, or who came to them, each with the way back while there is one. */
import { useState } from 'react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { keys } from '../api/queries';
import type { Merge } from '../api/types';
import { useReader } from '../app/reader';
import { href } from '../app/route';
import { useMay, useServices } from '../app/services';
import { showProblem } from '../adding/useAdding';
import { Button } from '../kit/Button';
import { Icon } from '../kit/Icon';
import { t, tn } from '../messages';
import { formatInstant } from '../values/format';
import { showUndone } from './undone';

export function Merges({ accountId }: { accountId: string }) {
  const { calls } = useServices();
  const client = useQueryClient();
  const reader = useReader();
  const mayEdit = useMay('edit');
  const [now] = useState(() => new Date());
  const merges = useQuery({ queryKey: keys.merges(accountId), queryFn: () => calls.merges(accountId) });
  // One that was undone is shown while something of it is left to be done, or was not done, in Jira.
  const isOpen = (merge: Merge) => merge.leaving.length > 0 || (merge.refused.length > 0 && new Date(merge.undoableUntil) > now);
  const shown = (merges.data ?? []).filter((merge) => merge.undoneAt === null || (merge.keptId === accountId && isOpen(merge)));
  const undo = async (merge: Merge) => {
    try {
      showUndone(await calls.undoMerge(merge.id));
    } catch (error) {
      showProblem(error);
    }
    await Promise.all(['customers', 'customer', 'organizations', 'organization', 'panel', 'duplicates', 'values', 'history', 'merges'].map((key) => client.invalidateQueries({ queryKey: [key] })));
  };
  return shown.map((merge) => {
    const away = merge.mergedId === accountId;
    const [id, name] = away ? [merge.keptId, merge.keptName] : [merge.mergedId, merge.mergedName];
    const called = name ?? t('person.unknown');
    const undone = merge.undoneAt !== null;
    const [refused] = away ? [] : merge.refused;
    return (
      <div key={merge.id} className={`notice merge-notice ${away ? 'notice-warning' : 'notice-information'}`} role="note">
        <Icon name="info" small />
        <span className="merge-words">
          <bdi>{t(undone ? 'merge.from.undone' : away ? 'merge.into' : 'merge.from', { name: called, date: formatInstant(merge.undoneAt ?? merge.at, reader) })}</bdi>
          {!away && merge.joining.length > 0 && <> {tn('merge.joining', merge.joining.length)}</>}
          {!away && merge.leaving.length > 0 && <> {tn('merge.leaving', merge.leaving.length)}</>}
          {refused && <> {t('merge.refused', { reason: refused.problem.detail ?? refused.problem.title })}</>}
        </span>
        <span className="duplicate-actions">
          <a className="button button-small button-default" href={href.customer(id)} aria-label={t('merge.into.show', { name: called })}>{away ? t('merge.into.show', { name: called }) : t('merge.from.show')}</a>
          {mayEdit && !undone && new Date(merge.undoableUntil) > now && <Button small onPress={() => void undo(merge)}>{t('merge.undo')}</Button>}
        </span>
      </div>
    );
  });
}
