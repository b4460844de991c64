/** Who gave, changed and withdrew what, newest first, each with the way back. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { keys } from '../api/queries';
import { authorName, type Entitlement, type EntitlementChange } from '../api/types';
import { useReader } from '../app/reader';
import { useServices } from '../app/services';
import { showProblem } from '../adding/useAdding';
import { Button } from '../kit/Button';
import { Drawer } from '../kit/Dialogs';
import { showFlag } from '../kit/flags';
import { ProblemNotice, Skeleton } from '../kit/Notice';
import { t } from '../messages';
import { formatInstant } from '../values/format';
import { daysText, limitText } from './days';

interface Props {
  organization: { id: string; name: string };
  standing: Entitlement[];
  mayEdit: boolean;
  onRestored: () => void;
  onClose: () => void;
}

function did({ from, to, action }: EntitlementChange) {
  if (action === 'restored') return t('entitlements.history.goneback');
  if (!to) return t('entitlements.history.withdrawn');
  return t(from ? 'entitlements.history.changed' : 'entitlements.history.given');
}

export function EntitlementHistory({ organization, standing, mayEdit, onRestored, onClose }: Props) {
  const { calls } = useServices();
  const reader = useReader();
  const list = useInfiniteQuery({
    queryKey: keys.entitlementHistory(organization.id),
    queryFn: ({ pageParam }) => calls.entitlementHistory(organization.id, pageParam ?? undefined),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor ?? null,
  });
  const entries = list.data?.pages.flatMap((page) => page.items) ?? [];
  const words = (terms: EntitlementChange['to']) => (terms ? [daysText(terms, reader), limitText(terms, reader), terms.note].filter(Boolean).join(' · ') : t('value.empty'));

  const restore = async (entry: EntitlementChange) => {
    try {
      const held = standing.find((one) => one.productId === entry.productId);
      const version = held?.version ?? (await calls.entitlementVersion(organization.id, entry.productId));
      await calls.restoreEntitlement(organization.id, entry.id, version);
      showFlag({ tone: 'success', text: t('entitlements.history.restored', { name: entry.productName }) });
    } catch (error) {
      showProblem(error);
    }
    onRestored();
  };
  // What stands already is not offered again.
  const stands = (entry: EntitlementChange) => {
    const held = standing.find((one) => one.productId === entry.productId)?.terms ?? null;
    return words(held) === words(entry.to);
  };
  return (
    <Drawer title={t('entitlements.history')} subtitle={organization.name} onClose={onClose}>
      {list.isPending && <Skeleton rows={3} />}
      {list.isError && entries.length === 0 && <ProblemNotice error={list.error} onRetry={() => void list.refetch()} />}
      {list.data && entries.length === 0 && <p className="history-none">{t('entitlements.history.empty')}</p>}
      <ol className="entitlement-history">
        {entries.map((entry) => (
          <li key={entry.id} className="entitlement-entry">
            <p className="entitlement-name"><bdi>{entry.productName}</bdi> {did(entry)}</p>
            {entry.from && <p className="entitlement-was"><del>{words(entry.from)}</del></p>}
            {entry.to && <p dir="auto">{words(entry.to)}</p>}
            <p className="entitlement-facts"><span><bdi>{authorName(entry.by)}</bdi></span><time dateTime={entry.at}>{formatInstant(entry.at, reader)}</time></p>
            {mayEdit && entry.to && !stands(entry) && <Button small onPress={() => void restore(entry)}>{t('entitlements.history.restore')}</Button>}
          </li>
        ))}
      </ol>
      {list.hasNextPage && <Button onPress={() => void list.fetchNextPage()} isDisabled={list.isFetchingNextPage}>{t('act.more')}</Button>}
    </Drawer>
  );
}
