/** A list of customers or of organizations: what is asked, what it shows, and every state on the way. */
import { useCallback, useEffect, useMemo, useState, type ReactNode } from 'react';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useMay, useServices } from '../app/services';
import { asProblem } from '../api/problem';
import { keys, useFields } from '../api/queries';
import type { Calls, ListPage } from '../api/calls';
import type { Entity, Field } from '../api/types';
import { href } from '../app/route';
import { AddButton } from '../adding/AddButton';
import { SelectionBar } from '../bulk/SelectionBar';
import { useSelection } from '../bulk/useSelection';
import { ProblemNotice } from '../kit/Notice';
import { t, tn } from '../messages';
import { RowValuesContext, useRowValues, type Sight } from '../values/rowValues';
import { FieldCell } from './FieldCell';
import { ListFrame } from './ListFrame';
import { sortNames } from './queryText';
import { RecordTable, useSettled, type Column } from './RecordTable';
import { useCellWrites } from './useCellWrites';
import { useTableView, type Asked } from './useTableView';

const NO_FIELDS: Field[] = [];

/** What differs between the two lists. */
export interface ListSpec<T extends object> {
  entity: Entity;
  list: 'customers' | 'organizations';
  idOf: (record: T) => string;
  nameOf: (record: T) => string;
  hrefOf: (record: T) => string;
  fetch: (calls: Calls, query: string, search: string, cursor?: string) => Promise<ListPage<T>>;
  /** What the directory knows; all of it is usually shown. */
  builtIn: () => Column<T>[];
  /** What those are called in an order; and which names queries give to what the directory knows. */
  sortedBy: Record<string, string>;
  taken: string[];
}

/** So wide is a column of such a field, unless its reader likes it otherwise. */
const WIDTHS: Partial<Record<Field['type'], number>> = { boolean: 110, number: 120, date: 130, longText: 260 };
const FIELD_PX = 180;

export function RecordsPage<T extends object>({ spec, asked }: { spec: ListSpec<T>; asked: Asked }): ReactNode {
  const { calls } = useServices();
  const { entity, list: name } = spec;
  const [search, setSearch] = useState('');
  const wanted = useSettled(search.trim());
  const fields = useFields(entity).data ?? NO_FIELDS;
  const builtIn = useMemo(() => spec.builtIn(), [spec]);
  const table = useTableView(entity, asked, builtIn.map((c) => c.key));
  const { query } = table;
  const list = useInfiniteQuery({
    queryKey: keys.list(entity, query, wanted),
    queryFn: ({ pageParam }) => spec.fetch(calls, query, wanted, pageParam ?? undefined),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor ?? null,
    placeholderData: keepPreviousData,
    enabled: table.ready,
  });
  const rows = useMemo(() => list.data?.pages.flatMap((p) => p.items) ?? [], [list.data]);
  const known = useMemo(() => new Map([
    ...builtIn.map((c) => [c.key, c] as const),
    ...fields.map((f): readonly [string, Column<T>] => [f.id, {
      key: f.id, name: f.name, width: WIDTHS[f.type] ?? FIELD_PX, field: f, cell: (record) => <FieldCell id={spec.idOf(record)} field={f} />,
    }]),
  ]), [spec, builtIn, fields]);
  const { layout } = table;
  const shown = useMemo(() => layout.filter((c) => known.has(c.key)), [layout, known]);
  const sortable = useMemo(() => sortNames(spec.sortedBy, spec.taken, fields), [spec, fields]);
  const ids = useMemo(() => rows.map(spec.idOf), [rows, spec]);
  const shownFields = useMemo(() => shown.flatMap((c) => known.get(c.key)?.field?.id ?? []), [shown, known]);
  const [sight, setSight] = useState<Sight>({ from: 0, to: 0 });
  const onSight = useCallback((from: number, to: number) => setSight({ from, to }), []);
  const { lookup, error: failedValues } = useRowValues(entity, ids, shownFields, sight);
  const names = useMemo(() => new Map(rows.map((r) => [spec.idOf(r), spec.nameOf(r)])), [rows, spec]);
  const nameOf = useCallback((id: string) => names.get(id) ?? id, [names]);
  const writes = useCellWrites(entity, nameOf);
  const mayEdit = useMay('edit');
  const total = list.data?.pages[0]?.total ?? (list.hasNextPage || !list.data ? null : rows.length);
  const chosen = useSelection({ entity, query, search: wanted, ids, total, nameOf });
  const { fetchNextPage } = list;
  const more = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  // Where records are looked at one by one, a page may find none of them yet.
  const looking = rows.length === 0 && list.hasNextPage;
  useEffect(() => {
    if (looking && !list.isFetchingNextPage && !list.isFetchNextPageError) more();
  }, [looking, list.isFetchingNextPage, list.isFetchNextPageError, more]);
  const mistakes = list.error ? asProblem(list.error).mistakes : [];
  const empty = mistakes.length > 0 ? { title: t('query.wrong.title'), detail: t('query.wrong.detail') } : rows.length > 0 ? null : query
    ? { title: t('query.nomatch.title'), detail: t(wanted ? 'query.nomatch.both' : 'query.nomatch.detail') } : wanted
    ? { title: t(`${name}.nomatch.title`, { query: wanted }), detail: t(`${name}.nomatch.detail`) }
    : { title: t(`${name}.empty.title`), detail: t(`${name}.empty.detail`) };
  return (
    <ListFrame table={table} mistakes={mistakes} exported={shown.map((c) => c.key)} columns={[...known.values()]} fields={fields} action={<>{entity === 'customer' && mayEdit && <a className="button button-default" href={href.duplicates}>{t('duplicates.find')}</a>}<AddButton entity={entity} /></>}
      lookedThrough={list.data?.pages.some((p) => p.lookedThrough) ?? false} title={t(`${name}.title`)} searchLabel={t(`${name}.search`)} searchHint={t(`${name}.search.short`)} search={search} onSearch={setSearch}
      pending={list.isPending || looking} error={rows.length === 0 && mistakes.length === 0 ? list.error : null} onRetry={() => void list.refetch()} empty={empty}
      count={list.data && mistakes.length === 0 ? (total === null ? t(`${name}.count.more`, { count: rows.length }) : tn(`${name}.count`, total)) : null}
      beside={mayEdit && <span className="bulk-links"> · <a className="link" href={href.bulk(entity)}>{t('bulk.title')}</a></span>}>
      {failedValues !== null && <ProblemNotice error={failedValues} />}
      <RowValuesContext.Provider value={lookup}>
        <RecordTable label={t(`${name}.title`)} rows={rows} rowId={spec.idOf} columns={known} layout={shown} onLayout={table.setLayout} query={query} sortNames={sortable} onRun={table.run}
          hasMore={list.hasNextPage} loadingMore={list.isFetchingNextPage} failedMore={list.isFetchNextPageError} onMore={more} onOpen={(record) => { window.location.hash = spec.hrefOf(record); }}
          cells={{ entity, mayEdit, nameOf, lookup, ...writes }} onSight={onSight} chosen={mayEdit ? chosen : null} total={total}
          bar={mayEdit ? <SelectionBar entity={entity} rows={chosen} total={total} nameOf={nameOf} /> : null} />
      </RowValuesContext.Provider>
    </ListFrame>
  );
}
