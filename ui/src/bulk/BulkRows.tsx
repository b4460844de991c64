/** What becomes of each record, those first that cannot change. */
import { useState } from 'react';
import { ToggleButton, ToggleButtonGroup } from 'react-aria-components';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { keys } from '../api/queries';
import type { BulkAction, BulkRow, Field, ImportOutcome } from '../api/types';
import { useReader } from '../app/reader';
import { href } from '../app/route';
import { useServices } from '../app/services';
import { Button } from '../kit/Button';
import { ProblemNotice, Skeleton } from '../kit/Notice';
import { t } from '../messages';
import { formatNumber } from '../values/format';
import { ValueView } from '../values/ValueView';

/** Nobody is made by a bulk change. */
type Outcome = Exclude<ImportOutcome, 'made'>;
const OUTCOMES: readonly Outcome[] = ['changed', 'refused', 'overtaken', 'unchanged'];
const ENDED: readonly BulkAction['state'][] = ['done', 'undoing', 'undone'];
const DEEDS = { addToOrganization: 'bulk.joins', removeFromOrganization: 'bulk.leaves', addToProject: 'bulk.serves' } as const;

export function BulkRows({ one, field }: { one: BulkAction; field: Field | null }) {
  const { calls } = useServices();
  const reader = useReader();
  const shown = OUTCOMES.filter((o) => o !== 'overtaken' || one.rows.overtaken > 0);
  const [chosen, setChosen] = useState<Outcome | null>(null);
  const outcome = chosen ?? ['refused' as const, 'overtaken' as const, 'changed' as const].find((o) => one.rows[o] > 0) ?? 'unchanged';
  const list = useInfiniteQuery({
    queryKey: keys.bulkRows(one.id, outcome, one.updatedAt),
    queryFn: ({ pageParam }) => calls.bulkRows(one.entity, one.id, outcome, pageParam ?? undefined),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor ?? null,
  });
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  const named = (o: Outcome) => t(o === 'changed' && ENDED.includes(one.state) ? 'bulk.outcome.changed.done' : `bulk.outcome.${o}`);
  return (
    <section className="import-part">
      <ToggleButtonGroup className="import-counts" aria-label={t('bulk.outcome')} selectionMode="single" disallowEmptySelection selectedKeys={[outcome]}
        onSelectionChange={(keysChosen) => { const [first] = keysChosen; if (first) setChosen(first as Outcome); }}>
        {shown.map((o) => (
          <ToggleButton key={o} id={o} className={one.rows[o] > 0 ? `import-count import-count-${o}` : 'import-count'}>
            <span className="import-number">{formatNumber(one.rows[o], reader)}</span>
            <span>{named(o)}</span>
          </ToggleButton>
        ))}
      </ToggleButtonGroup>
      {list.isPending && <Skeleton rows={4} />}
      {list.isError && <ProblemNotice error={list.error} onRetry={() => void list.refetch()} />}
      {list.isSuccess && rows.length === 0 && <p className="page-intro">{t(one.rows[outcome] > 0 ? 'bulk.rows.gone' : 'imports.report.none')}</p>}
      {rows.length > 0 && <ul className="import-rows">{rows.map((row) => <li key={row.ownerId} className="import-row"><Row one={one} field={field} row={row} /></li>)}</ul>}
      {list.hasNextPage && <div className="table-more"><Button onPress={() => void list.fetchNextPage()} isDisabled={list.isFetchingNextPage}>{t('act.more')}</Button></div>}
    </section>
  );
}

function Row({ one, field, row }: { one: BulkAction; field: Field | null; row: BulkRow }) {
  const type = one.change?.type;
  return (
    <>
      <p className="import-whose"><Owner one={one} id={row.ownerId} name={row.ownerName ?? null} />{type && type !== 'setValue' && row.outcome === 'changed' && <span className="import-line">{t(DEEDS[type])}</span>}</p>
      {field && row.outcome === 'changed' && (
        <p className="type-becomes">
          <span className="import-from"><ValueView field={field} value={row.from} /></span> <span aria-hidden="true">→</span><span className="visually-hidden">{t('types.becomes')}</span>{' '}
          <span className="import-to"><ValueView field={field} value={row.to} /></span>
        </p>
      )}
      {row.detail && <p className="import-error">{row.detail}</p>}
    </>
  );
}

function Owner({ one, id, name }: { one: BulkAction; id: string; name: string | null }) {
  return <a className="link" href={one.entity === 'customer' ? href.customer(id) : href.organization(id)}><bdi>{name ?? t('types.nobody')}</bdi></a>;
}

/** Records that did not go back. */
export function KeptRecords({ one }: { one: BulkAction }) {
  const { calls } = useServices();
  const kept = useQuery({ queryKey: keys.bulkKept(one.id), queryFn: () => calls.bulkKept(one.entity, one.id) });
  return (
    <section className="import-part">
      <h2 className="permission-title">{t('bulk.kept.title')}</h2>
      <p className="page-intro">{t('bulk.kept.detail')}</p>
      {kept.isError && <ProblemNotice error={kept.error} onRetry={() => void kept.refetch()} />}
      <ul className="import-rows">
        {kept.data?.items.map((record) => <li key={record.changeId} className="import-row"><p className="import-whose"><Owner one={one} id={record.ownerId} name={record.ownerName ?? null} /></p></li>)}
      </ul>
    </section>
  );
}
