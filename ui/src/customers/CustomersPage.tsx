import { useCallback, useMemo, useState } from 'react';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { href } from '../app/route';
import { useServices } from '../app/services';
import { asProblem } from '../api/problem';
import { keys, useFields } from '../api/queries';
import type { Customer, Field } from '../api/types';
import { Avatar } from '../kit/Avatar';
import { t, tn } from '../messages';
import { LocalTime } from '../panel/PersonCard';
import { FieldCell } from './FieldCell';
import { ListFrame, useChosenColumns } from './ListFrame';
import { RecordTable, useSettled, type Columns } from './RecordTable';

const NO_FIELDS: Field[] = [];

function columnsFor(fields: Field[]): Columns<Customer> {
  return [
    { id: 'name', header: t('customers.name'), cell: ({ row: { original: c } }) => (
      <a className="cell-name" href={href.customer(c.accountId)}><Avatar name={c.displayName} small /><bdi>{c.displayName}</bdi>{!c.active && <span className="lozenge lozenge-off">{t('panel.inactive')}</span>}</a>
    ) },
    { id: 'email', header: t('customers.email'), cell: ({ row }) => <bdi>{row.original.emailAddress}</bdi> },
    { id: 'organizations', header: t('customers.organizations'), cell: ({ row }) => (
      <span className="cell-links">{row.original.organizations.map((o) => <a key={o.id} className="link" href={href.organization(o.id)}><bdi>{o.name}</bdi></a>)}</span>
    ) },
    { id: 'time', header: t('customers.localtime'), cell: ({ row }) => row.original.timeZone && <LocalTime timeZone={row.original.timeZone} /> },
    ...fields.map((f): Columns<Customer>[number] => ({
      id: f.id, header: () => <bdi>{f.name}</bdi>, cell: ({ row }) => <FieldCell subject={{ entity: 'customer', id: row.original.accountId }} field={f} />,
    })),
  ];
}

export function CustomersPage({ query }: { query: string }) {
  const { calls } = useServices();
  const [search, setSearch] = useState('');
  const wanted = useSettled(search.trim());
  const fields = useFields('customer').data ?? NO_FIELDS;
  const [chosen, setChosen] = useChosenColumns('customers');
  const list = useInfiniteQuery({
    queryKey: keys.customers(query, wanted),
    queryFn: ({ pageParam }) => calls.customers(query, wanted, pageParam ?? undefined),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor ?? null,
    placeholderData: keepPreviousData,
  });
  const rows = useMemo(() => list.data?.pages.flatMap((p) => p.items) ?? [], [list.data]);
  const columns = useMemo(() => columnsFor(fields.filter((f) => chosen.includes(f.id))), [fields, chosen]);
  const { fetchNextPage } = list;
  const more = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  const mistakes = list.error ? asProblem(list.error).mistakes : [];
  const run = (asked: string) => { window.location.hash = href.customersBy(asked); };
  const empty = mistakes.length > 0 ? { title: t('query.wrong.title'), detail: t('query.wrong.detail') } : rows.length > 0 ? null : query
    ? { title: t('query.nomatch.title'), detail: t(wanted ? 'query.nomatch.both' : 'query.nomatch.detail') } : wanted
    ? { title: t('customers.nomatch.title', { query: wanted }), detail: t('customers.nomatch.detail') }
    : { title: t('customers.empty.title'), detail: t('customers.empty.detail') };
  return (
    <ListFrame entity="customer" query={query} mistakes={mistakes} onRun={run} hash={href.customersBy(query)} exported={['name', 'email', 'organizations', 'timeZone', ...fields.filter((f) => chosen.includes(f.id)).map((f) => f.id)]}
      title={t('customers.title')} searchLabel={t('customers.search')} searchHint={t('customers.search.short')} search={search} onSearch={setSearch} fields={fields} chosen={chosen} onChosen={setChosen}
      pending={list.isPending} error={rows.length === 0 && mistakes.length === 0 ? list.error : null} onRetry={() => void list.refetch()} empty={empty}
      count={list.data && mistakes.length === 0 ? (list.hasNextPage ? t('customers.count.more', { count: rows.length }) : tn('customers.count', rows.length)) : null}>
      <RecordTable label={t('customers.title')} rows={rows} rowId={(c) => c.accountId} columns={columns} hasMore={list.hasNextPage} loadingMore={list.isFetchingNextPage}
        onMore={more} onOpen={(c) => { window.location.hash = href.customer(c.accountId); }} />
    </ListFrame>
  );
}
