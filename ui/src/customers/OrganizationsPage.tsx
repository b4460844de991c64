import { useCallback, useMemo, useState } from 'react';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useReader } from '../app/reader';
import { href } from '../app/route';
import { useServices } from '../app/services';
import { asProblem } from '../api/problem';
import { keys, useFields } from '../api/queries';
import type { Field, Organization } from '../api/types';
import { Avatar } from '../kit/Avatar';
import { t, tn } from '../messages';
import { formatNumber } from '../values/format';
import { FieldCell } from './FieldCell';
import { ListFrame, useChosenColumns } from './ListFrame';
import { RecordTable, useSettled, type Columns } from './RecordTable';

const NO_FIELDS: Field[] = [];

function columnsFor(fields: Field[]): Columns<Organization> {
  return [
    { id: 'name', header: t('organizations.name'), cell: ({ row: { original: o } }) => (
      <a className="cell-name" href={href.organization(o.id)}><Avatar name={o.name} small square /><bdi>{o.name}</bdi></a>
    ) },
    { id: 'members', header: t('organizations.members'), cell: ({ row }) => <MemberCount count={row.original.memberCount} /> },
    ...fields.map((f): Columns<Organization>[number] => ({
      id: f.id, header: () => <bdi>{f.name}</bdi>, cell: ({ row }) => <FieldCell subject={{ entity: 'organization', id: row.original.id }} field={f} />,
    })),
  ];
}

function MemberCount({ count }: { count: number }) {
  return formatNumber(count, useReader());
}

export function OrganizationsPage({ query }: { query: string }) {
  const { calls } = useServices();
  const [search, setSearch] = useState('');
  const wanted = useSettled(search.trim());
  const fields = useFields('organization').data ?? NO_FIELDS;
  const [chosen, setChosen] = useChosenColumns('organizations');
  const list = useInfiniteQuery({
    queryKey: keys.organizations(query, wanted),
    queryFn: ({ pageParam }) => calls.organizations(query, wanted, pageParam ?? undefined),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor ?? null,
    placeholderData: keepPreviousData,
  });
  const rows = useMemo(() => list.data?.pages.flatMap((p) => p.items) ?? [], [list.data]);
  const columns = useMemo(() => columnsFor(fields.filter((f) => chosen.includes(f.id))), [fields, chosen]);
  const { fetchNextPage } = list;
  const more = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  const mistakes = list.error ? asProblem(list.error).mistakes : [];
  const run = (asked: string) => { window.location.hash = href.organizationsBy(asked); };
  const empty = mistakes.length > 0 ? { title: t('query.wrong.title'), detail: t('query.wrong.detail') } : rows.length > 0 ? null : query
    ? { title: t('query.nomatch.title'), detail: t(wanted ? 'query.nomatch.both' : 'query.nomatch.detail') } : wanted
    ? { title: t('organizations.nomatch.title', { query: wanted }), detail: t('organizations.nomatch.detail') }
    : { title: t('organizations.empty.title'), detail: t('organizations.empty.detail') };
  return (
    <ListFrame entity="organization" query={query} mistakes={mistakes} onRun={run} hash={href.organizationsBy(query)} exported={['name', 'members', ...fields.filter((f) => chosen.includes(f.id)).map((f) => f.id)]}
      title={t('organizations.title')} searchLabel={t('organizations.search')} searchHint={t('organizations.search.short')} search={search} onSearch={setSearch} fields={fields} chosen={chosen} onChosen={setChosen}
      pending={list.isPending} error={rows.length === 0 && mistakes.length === 0 ? list.error : null} onRetry={() => void list.refetch()} empty={empty}
      count={list.data && mistakes.length === 0 ? (list.hasNextPage ? t('organizations.count.more', { count: rows.length }) : tn('organizations.count', rows.length)) : null}>
      <RecordTable label={t('organizations.title')} rows={rows} rowId={(o) => o.id} columns={columns} hasMore={list.hasNextPage} loadingMore={list.isFetchingNextPage}
        onMore={more} onOpen={(o) => { window.location.hash = href.organization(o.id); }} />
    </ListFrame>
  );
}
