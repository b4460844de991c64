/** A customer's own requests, as Jira has them at this moment. They are read again with each look and kept nowhere. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { keys } from '../api/queries';
import type { OwnRequest } from '../api/types';
import { useReader } from '../app/reader';
import { useServices } from '../app/services';
import { Button } from '../kit/Button';
import { HostLink } from '../kit/HostLink';
import { EmptyState, ProblemNotice, Skeleton } from '../kit/Notice';
import { t } from '../messages';
import { formatInstant } from '../values/format';

export function OwnRequests() {
  const { calls, me } = useServices();
  const pages = useInfiniteQuery({
    queryKey: keys.ownRequests(me.accountId),
    queryFn: ({ pageParam }) => calls.ownRequests(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.nextCursor ?? undefined,
    // What was seen a moment ago may be another's by now.
    staleTime: 0,
    gcTime: 0,
  });
  const items = pages.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div className="requests">
      <header className="page-head">
        <h1 className="page-title">{t('portal.requests')}</h1>
        <p className="page-intro">{t('portal.requests.intro')}</p>
      </header>
      {pages.isPending && <Skeleton rows={5} />}
      {pages.isError && items.length === 0 && <ProblemNotice error={pages.error} onRetry={() => void pages.refetch()} />}
      {pages.isSuccess && items.length === 0 && !pages.hasNextPage && (
        <EmptyState icon="mail" title={t('portal.requests.none.title')} detail={t('portal.requests.none.detail')} />
      )}
      {items.length > 0 && (
        <ul className="request-list" aria-label={t('portal.requests')}>
          {items.map((request) => <RequestItem key={request.key} request={request} />)}
        </ul>
      )}
      {pages.isError && items.length > 0 && <ProblemNotice error={pages.error} onRetry={() => void pages.fetchNextPage()} />}
      {pages.hasNextPage && !pages.isError && (
        <p className="request-more"><Button onPress={() => void pages.fetchNextPage()} isDisabled={pages.isFetchingNextPage}>{t(pages.isFetchingNextPage ? 'app.loading' : 'act.more')}</Button></p>
      )}
    </div>
  );
}

function RequestItem({ request }: { request: OwnRequest }) {
  const reader = useReader();
  const summary = request.summary || request.key;
  return (
    <li className="request">
      <div className="request-text">
        <p className="request-summary">{request.url ? <HostLink href={request.url}>{summary}</HostLink> : <bdi>{summary}</bdi>}</p>
        <p className="shelf-facts">
          <span>{request.key}</span>
          {request.createdAt && <span>{t('portal.request.raised', { at: formatInstant(request.createdAt, reader) })}</span>}
          {request.updatedAt && request.updatedAt !== request.createdAt && <span>{t('portal.request.updated', { at: formatInstant(request.updatedAt, reader) })}</span>}
          {request.part === 'participant' && <span>{t('portal.request.participant')}</span>}
        </p>
      </div>
      {request.status && <span className={`lozenge ${request.progress === 'done' ? 'lozenge-success' : 'lozenge-new'}`}><bdi>{request.status}</bdi></span>}
    </li>
  );
}
