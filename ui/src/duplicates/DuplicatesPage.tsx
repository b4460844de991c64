/** Customers that may be the same person twice: why, "not the same", and the way to merge them. */
import { useState } from 'react';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { keys } from '../api/queries';
import type { Customer, Duplicate } from '../api/types';
import { useServices } from '../app/services';
import { href } from '../app/route';
import { showProblem } from '../adding/useAdding';
import { Avatar } from '../kit/Avatar';
import { Button } from '../kit/Button';
import { showFlag } from '../kit/flags';
import { Icon } from '../kit/Icon';
import { EmptyState, ProblemNotice, Skeleton } from '../kit/Notice';
import { t } from '../messages';

export function DuplicatesPage() {
  const { calls } = useServices();
  const client = useQueryClient();
  const [gone, setGone] = useState<ReadonlySet<string>>(new Set());
  const list = useInfiniteQuery({
    queryKey: keys.duplicates,
    queryFn: ({ pageParam }) => calls.duplicates(pageParam ?? undefined),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor ?? null,
  });
  const pairOf = ({ first, second }: Duplicate) => `${first.accountId}~${second.accountId}`;
  const pairs = (list.data?.pages.flatMap((page) => page.items) ?? []).filter((pair) => !gone.has(pairOf(pair)));

  const dismiss = async (pair: Duplicate) => {
    const names = { first: pair.first.displayName, second: pair.second.displayName };
    const back = async () => {
      try {
        await calls.recallDuplicate(pair.first.accountId, pair.second.accountId);
        setGone((all) => new Set([...all].filter((one) => one !== pairOf(pair))));
        await client.invalidateQueries({ queryKey: keys.duplicates });
      } catch (error) {
        showProblem(error);
      }
    };
    try {
      await calls.dismissDuplicate(pair.first.accountId, pair.second.accountId);
      setGone((all) => new Set([...all, pairOf(pair)]));
      showFlag({ tone: 'success', text: t('duplicates.dismissed', names), action: { label: t('act.undo'), run: () => void back() } });
    } catch (error) {
      showProblem(error);
    }
  };
  return (
    <>
      <a className="back" href={href.customers}><Icon name="back" small />{t('customers.all')}</a>
      <header className="page-head">
        <h1 className="page-title">{t('duplicates.title')}</h1>
        <p className="page-intro">{t('duplicates.intro')}</p>
      </header>
      {list.isPending && <Skeleton rows={5} />}
      {list.isError && !list.data && <ProblemNotice error={list.error} onRetry={() => void list.refetch()} />}
      {list.data && pairs.length === 0 && !list.hasNextPage && <EmptyState icon="check" title={t('duplicates.none.title')} detail={t('duplicates.none.detail')} />}
      {pairs.length > 0 && (
        <ul className="duplicates" aria-label={t('duplicates.title')}>
          {pairs.map((pair) => {
            const names = { first: pair.first.displayName, second: pair.second.displayName };
            return (
              <li key={pairOf(pair)} className="duplicate card">
                <p className="duplicate-reasons">{pair.reasons.map((reason) => <span key={reason} className={`lozenge ${reason === 'likeName' ? '' : 'lozenge-new'}`}>{t(`duplicates.reason.${reason}`)}</span>)}</p>
                <div className="duplicate-two"><Person customer={pair.first} /><Person customer={pair.second} /></div>
                <div className="duplicate-actions">
                  <Button small onPress={() => void dismiss(pair)} aria-label={t('duplicates.different.named', names)}>{t('duplicates.different')}</Button>
                  <a className="button button-primary button-small" href={href.merge(pair.first.accountId, pair.second.accountId)} aria-label={t('duplicates.compare.named', names)}>{t('duplicates.compare')}</a>
                </div>
              </li>
            );
          })}
        </ul>
      )}
      {list.hasNextPage && <Button onPress={() => void list.fetchNextPage()} isDisabled={list.isFetchingNextPage}>{t('act.more')}</Button>}
      {list.data?.pages.some((page) => page.more) && <p className="control-help">{t('duplicates.more')}</p>}
    </>
  );
}

export function Person({ customer }: { customer: Customer }) {
  return (
    <div className="duplicate-person">
      <Avatar name={customer.displayName} small />
      <div className="duplicate-text">
        <a className="link duplicate-name" href={href.customer(customer.accountId)}><bdi>{customer.displayName}</bdi></a>
        {customer.emailAddress && <p dir="ltr">{customer.emailAddress}</p>}
        {customer.organizations.length > 0 && <p><bdi>{customer.organizations.map((o) => o.name).join(', ')}</bdi></p>}
      </div>
    </div>
  );
}
