/** Who saw a person's values, newest first. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { useReader } from '../app/reader';
import { useServices } from '../app/services';
import { keys } from '../api/queries';
import type { Reading } from '../api/types';
import { Button } from '../kit/Button';
import { ProblemNotice, Skeleton } from '../kit/Notice';
import { t } from '../messages';
import { formatInstant } from '../values/format';
import { byTime, readerWords } from './words';

export function Readings({ accountId, none }: { accountId: string; none: string }) {
  const { calls } = useServices();
  const list = useInfiniteQuery({
    queryKey: keys.readings(accountId),
    queryFn: ({ pageParam }) => calls.readings(accountId, pageParam ?? undefined),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor ?? null,
    // Who looks at this page may have looked at others a moment ago.
    staleTime: 0,
  });
  const all = byTime(list.data?.pages.flatMap((page) => page.items) ?? []);
  if (list.isPending) return <Skeleton rows={3} />;
  if (list.isError && all.length === 0) return <ProblemNotice error={list.error} onRetry={() => void list.refetch()} />;
  if (all.length === 0) return <p className="history-none">{none}</p>;
  return (
    <>
      <ul className="readings">
        {all.map((one) => <Line key={[one.day, one.by, one.way, one.receiverName, one.reader?.accountId, one.reader?.tokenId, one.reader?.webhookId].join(' ')} reading={one} />)}
      </ul>
      {list.hasNextPage && <Button onPress={() => void list.fetchNextPage()} isDisabled={list.isFetchingNextPage}>{t('readings.more')}</Button>}
    </>
  );
}

function Line({ reading }: { reading: Reading }) {
  const reader = useReader();
  return (
    <li className="reading" data-way={reading.way} data-by={reading.by}>
      <span className="reading-who">
        <span className="reading-name"><bdi>{readerWords(reading)}</bdi></span>{' '}
        <span className="reading-way">{reading.reader && `(${t(`readings.kind.${reading.by}`)}) `}{t(reading.way === 'page' && !reading.reader ? 'readings.way.page.own' : `readings.way.${reading.way}`)}</span>
      </span>
      <time className="held-small" dateTime={reading.lastAt}>{formatInstant(reading.lastAt, reader)}</time>
    </li>
  );
}
