/** Bulk changes: the list of them, and one with its preview, its run and the way back. */
import { useState } from 'react';
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { asProblem } from '../api/problem';
import { keys, useFields } from '../api/queries';
import { authorName, type BulkAction, type Entity } from '../api/types';
import { useReader } from '../app/reader';
import { href } from '../app/route';
import { useServices } from '../app/services';
import { Progress } from '../imports/Progress';
import { Button } from '../kit/Button';
import { Question } from '../kit/Dialogs';
import { showFlag } from '../kit/flags';
import { Icon } from '../kit/Icon';
import { EmptyState, ProblemNotice, Skeleton } from '../kit/Notice';
import { t, tn } from '../messages';
import { formatInstant, formatNumber } from '../values/format';
import { ValueView } from '../values/ValueView';
import { BulkRows, KeptRecords } from './BulkRows';
import { forgetSelection } from './useSelection';

/** States in which a job works on it. */
const MOVING: readonly BulkAction['state'][] = ['checking', 'running', 'undoing'];
const LOOK_MS = 700;

type Wish = 'run' | 'pause' | 'cancel' | 'undo';

const back = (entity: Entity) => (entity === 'customer' ? href.customers : href.organizations);
const REASONS = ['fields_changed', 'file_gone', 'refused_by_jira'] as const;

function Back({ entity, to }: { entity: Entity; to: 'list' | 'all' }) {
  return <a className="back" href={to === 'list' ? back(entity) : href.bulk(entity)}><Icon name="back" small />{t(to === 'list' ? `bulk.back.${entity}` : 'bulk.all')}</a>;
}

export function BulkListPage({ entity }: { entity: Entity }) {
  const { calls } = useServices();
  const reader = useReader();
  const list = useInfiniteQuery({
    queryKey: keys.bulkActions(entity),
    queryFn: ({ pageParam }) => calls.bulkActions(entity, pageParam ?? undefined),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor ?? null,
    staleTime: 0,
  });
  const all = list.data?.pages.flatMap((p) => p.items) ?? [];
  return (
    <div className="imports">
      <div><Back entity={entity} to="list" /><h1 className="page-title">{t('bulk.title')}</h1></div>
      {list.isPending && <Skeleton rows={4} />}
      {list.isError && all.length === 0 && <ProblemNotice error={list.error} onRetry={() => void list.refetch()} />}
      {list.isSuccess && all.length === 0 && <EmptyState icon="check" title={t('bulk.none.title')} detail={t('bulk.none.detail')} />}
      {all.length > 0 && (
        <ul className="tokens">
          {all.map((one) => (
            <li key={one.id} className="token card">
              <div className="token-text">
                <p className="token-name"><a className="link" href={href.bulk(entity, one.id)}><bdi>{titleOf(one)}</bdi></a><StateLozenge state={one.state} /></p>
                <p className="shelf-facts">
                  <span>{tn(`bulk.of.${entity}`, one.records)}</span>
                  <span><bdi>{t('bulk.by', { name: authorName(one.createdBy), date: formatInstant(one.createdAt, reader) })}</bdi></span>
                </p>
              </div>
            </li>
          ))}
        </ul>
      )}
      {list.hasNextPage && <div className="table-more"><Button onPress={() => void list.fetchNextPage()} isDisabled={list.isFetchingNextPage}>{t('act.more')}</Button></div>}
    </div>
  );
}

function titleOf(one: BulkAction): string {
  if (!one.change) return t('bulk.title.unknown');
  return t(`bulk.title.${one.change.type}`, { called: one.called ?? '' });
}

const TONES: Partial<Record<BulkAction['state'], string>> = { checked: 'lozenge-warning', paused: 'lozenge-warning', done: 'lozenge-success', cancelled: 'lozenge-off', undone: 'lozenge-off' };

function StateLozenge({ state }: { state: BulkAction['state'] }) {
  return <span className={`lozenge ${TONES[state] ?? 'lozenge-new'}`}>{t(`bulk.state.${state}`)}</span>;
}

export function BulkPage({ entity, id }: { entity: Entity; id: string }) {
  const { calls } = useServices();
  const reader = useReader();
  const asked = useQuery({
    queryKey: keys.bulkAction(id), queryFn: () => calls.bulkAction(entity, id), staleTime: 0,
    refetchInterval: (query) => (query.state.data && MOVING.includes(query.state.data.state) ? LOOK_MS : false),
  });
  const fields = useFields(entity);
  const one = asked.data;
  if (!one) return asked.isError ? <div className="imports"><Back entity={entity} to="all" /><ProblemNotice error={asked.error} onRetry={() => void asked.refetch()} /></div> : <Skeleton head rows={5} />;
  const change = one.change;
  const field = change?.type === 'setValue' ? (fields.data?.find((f) => f.id === change.fieldId) ?? null) : null;
  const reason = REASONS.find((known) => known === one.reason);
  const ended = one.state === 'done' || one.state === 'undone' || one.state === 'cancelled';
  return (
    <div className="imports">
      <div>
        <Back entity={entity} to={ended ? 'all' : 'list'} />
        <h1 className="import-title"><bdi>{titleOf(one)}</bdi> <StateLozenge state={one.state} /></h1>
      </div>
      {change?.type === 'setValue' && field && <p className="bulk-to">{t('bulk.to')}<ValueView field={field} value={change.value} /></p>}
      <p className="shelf-facts">
        <span>{tn(`bulk.of.${entity}`, one.records)}</span>
        <span><bdi>{t('bulk.by', { name: authorName(one.createdBy), date: formatInstant(one.createdAt, reader) })}</bdi></span>
      </p>
      {reason && <p className="notice notice-warning"><Icon name="error" />{t(`bulk.reason.${reason}`)}</p>}
      {one.state === 'checking' && <div className="card"><Progress label={t('bulk.checking')} value={looked(one) / one.records} text={t('bulk.looked', { count: looked(one), records: formatNumber(one.records, reader) })} /></div>}
      {(one.state === 'running' || one.state === 'paused') && <div className="card"><Progress label={t(one.state === 'paused' ? 'bulk.state.paused' : 'bulk.running')} value={one.done} /></div>}
      {one.state === 'undoing' && <div className="card"><Progress label={t('bulk.undoing')} value={one.written > 0 ? (one.returned + one.kept) / one.written : null} /></div>}
      {ended && (
        <p className="import-summary">
          {tn('bulk.written', one.written)}
          {one.returned > 0 && <>, {tn('bulk.returned', one.returned)}</>}
          {one.undoUntil && <>. {t('bulk.undo.until', { date: formatInstant(one.undoUntil, reader) })}</>}
        </p>
      )}
      <Acts one={one} />
      {one.state === 'undone' && one.kept > 0 && <KeptRecords one={one} />}
      {one.state !== 'checking' && <BulkRows one={one} field={field} />}
    </div>
  );
}

const looked = (one: BulkAction) => one.rows.changed + one.rows.unchanged + one.rows.refused;

/** What can be done now. */
function Acts({ one }: { one: BulkAction }) {
  const { calls } = useServices();
  const client = useQueryClient();
  const [asked, setAsked] = useState(false);
  const { entity, state } = one;
  const move = useMutation({
    mutationFn: (wish: Wish) => calls.moveBulk(entity, one.id, wish),
    onSuccess: (moved, wish) => {
      if (wish === 'run') forgetSelection(entity);
      client.setQueryData(keys.bulkAction(one.id), moved);
    },
    onError: (error) => {
      const problem = asProblem(error);
      showFlag({ tone: 'error', text: problem.detail ?? t(`problem.${problem.kind}.do`) });
    },
    onSettled: () => Promise.all([keys.bulkAction(one.id), keys.bulkActions(entity), ['rows', entity], ['values', entity], ['history', entity], [`${entity}s`], [entity], ['organizations'], ['organization'], ['panel']].map((queryKey) => client.invalidateQueries({ queryKey }))),
  });
  const busy = move.isPending;
  const choose = () => { window.location.hash = back(entity); };
  const nothing = state === 'checked' && one.rows.changed === 0;
  return (
    <div className="editor-actions">
      {nothing && <p className="import-summary">{t('bulk.nothing')}</p>}
      {state === 'checked' && !nothing && <Button kind="primary" onPress={() => move.mutate('run')} isDisabled={busy} autoFocus>{tn(`bulk.run.${entity}`, one.rows.changed)}</Button>}
      {state === 'paused' && <Button kind="primary" onPress={() => move.mutate('run')} isDisabled={busy}>{t('bulk.go_on')}</Button>}
      {state === 'running' && <Button onPress={() => move.mutate('pause')} isDisabled={busy}>{t('bulk.pause')}</Button>}
      {state === 'checked' && <Button onPress={choose} isDisabled={busy}>{t('bulk.choose')}</Button>}
      {(state === 'checked' || state === 'checking' || state === 'paused') && <Button kind="subtle" onPress={() => move.mutate('cancel')} isDisabled={busy}>{t('bulk.leave')}</Button>}
      {one.undoUntil && <Button onPress={() => setAsked(true)} isDisabled={busy}>{t('bulk.undo')}</Button>}
      {asked && <Question title={t('bulk.undo.title')} detail={t('bulk.undo.detail')} confirm={t('bulk.undo')} onClose={() => setAsked(false)} onConfirm={() => { setAsked(false); move.mutate('undo'); }} />}
    </div>
  );
}
