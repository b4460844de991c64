/** One import, from its file to its end: each state shows what can be done in it. */
import { useState } from 'react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { asProblem } from '../api/problem';
import { keys, useFields } from '../api/queries';
import { authorName, type Import } from '../api/types';
import { useReader } from '../app/reader';
import { href } from '../app/route';
import { useServices } from '../app/services';
import { Button } from '../kit/Button';
import { Question } from '../kit/Dialogs';
import { showFlag } from '../kit/flags';
import { Icon } from '../kit/Icon';
import { ProblemNotice, Skeleton } from '../kit/Notice';
import { t, tn, type MessageKey } from '../messages';
import { formatInstant } from '../values/format';
import { ColumnsForm } from './ColumnsForm';
import { StateLozenge } from './ImportsEditor';
import { Progress } from './Progress';
import { MadeList, UndoQuestion } from './Making';
import { KeptList, Report } from './Report';
import { Resend } from './Resend';
import { sentWhole } from './sending';

/** States in which a job works on it. */
const MOVING: readonly Import['state'][] = ['checking', 'running', 'undoing'];
const LOOK_MS = 1_000;

type Wish = 'run' | 'pause' | 'cancel' | 'undo' | 'undoWithAccess';

export function ImportPage({ id }: { id: string }) {
  const { calls } = useServices();
  const reader = useReader();
  const one = useQuery({
    queryKey: keys.import(id), queryFn: () => calls.import(id), staleTime: 0,
    refetchInterval: (query) => (query.state.data && MOVING.includes(query.state.data.state) ? LOOK_MS : false),
  });
  if (one.isPending) return <Skeleton head rows={4} />;
  if (!one.data) return <><Back /><ProblemNotice error={one.error} onRetry={() => void one.refetch()} /></>;
  const { data } = one;
  return (
    <div className="imports">
      <div>
        <Back />
        <h2 className="import-title"><bdi>{data.fileName}</bdi> <StateLozenge state={data.state} /></h2>
        <p className="shelf-facts">
          <span>{t(data.entity === 'customer' ? 'imports.customers' : 'imports.organizations')}</span>
          <span><bdi>{t('imports.by', { name: authorName(data.createdBy), date: formatInstant(data.createdAt, reader) })}</bdi></span>
        </p>
      </div>
      {data.reason && <p className="notice notice-warning"><Icon name="error" small /><span>{t(`imports.reason.${data.reason}` as MessageKey)}</span></p>}
      <Body one={data} />
    </div>
  );
}

function Back() {
  return <a className="back" href={href.settings('imports')}><Icon name="back" small />{t('imports.all')}</a>;
}

function Body({ one }: { one: Import }) {
  const inUse = useFields(one.entity).data;
  // A report may speak of a field that is out of use by now.
  const retired = useFields(one.entity, true).data;
  const [columns, setColumns] = useState(false);
  if (!inUse || !retired) return <Skeleton rows={4} />;
  const fields = [...inUse, ...retired];
  const toColumns = () => setColumns(true);
  switch (one.state) {
    case 'uploading': return <>{!sentWhole.has(one.id) && <Resend one={one} />}<ColumnsForm one={one} fields={fields} /><Acts one={one} /></>;
    case 'checking': return <><div className="card"><Progress label={t('imports.checking')} value={null} text={tn('imports.read', one.rowsRead)} /></div><Acts one={one} /></>;
    case 'checked':
    case 'paused':
      if (columns) return <ColumnsForm one={one} fields={fields} onBack={() => setColumns(false)} />;
      return <>{one.state === 'paused' && <Running one={one} />}<Acts one={one} onColumns={toColumns} /><Report one={one} fields={fields} /></>;
    case 'running': return <><Running one={one} /><Acts one={one} /></>;
    case 'undoing': return <div className="card"><Progress label={t('imports.state.undoing')} value={one.valuesWritten > 0 ? (one.valuesReturned + one.valuesKept) / one.valuesWritten : null} /></div>;
    case 'done':
    case 'cancelled':
    case 'undone': return <><Summary one={one} /><Acts one={one} />{one.state === 'undone' && one.valuesKept > 0 && <KeptList one={one} fields={fields} />}{one.customersMade > 0 && <MadeList one={one} />}<Report one={one} fields={fields} /></>;
  }
}

function Running({ one }: { one: Import }) {
  return <div className="card"><Progress label={t(`imports.state.${one.state}`)} value={one.done} {...(one.customersMade > 0 ? { text: tn('imports.made', one.customersMade) } : {})} /></div>;
}

function Summary({ one }: { one: Import }) {
  const reader = useReader();
  return (
    <p className="import-summary">
      {one.customersMade > 0 && <>{tn('imports.made', one.customersMade)}, </>}
      {tn('imports.written', one.valuesWritten)}
      {one.state === 'undone' && <>, {tn('imports.returned', one.valuesReturned)}</>}
      {one.undoUntil && <>. {t('imports.undo.until', { date: formatInstant(one.undoUntil, reader) })}</>}
    </p>
  );
}

/** What can be done now. */
function Acts({ one, onColumns }: { one: Import; onColumns?: () => void }) {
  const { calls } = useServices();
  const client = useQueryClient();
  const [asked, setAsked] = useState<'cancel' | 'undo' | null>(null);
  const move = useMutation({
    mutationFn: (wish: Wish) => (wish === 'undo' || wish === 'undoWithAccess' ? calls.undoImport(one.id, wish === 'undoWithAccess') : calls.moveImport(one.id, wish)),
    onSuccess: (moved) => {
      client.setQueryData(keys.import(one.id), moved);
      void client.invalidateQueries({ queryKey: keys.imports });
      // What was read before of values is old.
      if (moved.state === 'running' || moved.state === 'undoing') for (const old of ['values', 'customers', 'organizations']) void client.invalidateQueries({ queryKey: [old] });
    },
    onError: (error) => {
      const problem = asProblem(error);
      showFlag({ tone: 'error', text: problem.detail ?? t(`problem.${problem.kind}.do`) });
      void client.invalidateQueries({ queryKey: keys.import(one.id) });
    },
  });
  const act = (wish: Wish) => { setAsked(null); move.mutate(wish); };
  const busy = move.isPending;
  const { state } = one;
  const { changed, made } = one.rows;
  const changes = changed + made;
  return (
    <div className="editor-actions">
      {state === 'checked' && changes > 0 && <Button kind="primary" onPress={() => act('run')} isDisabled={busy}>{tn('imports.run', changes)}</Button>}
      {state === 'checked' && changes === 0 && <p className="import-summary">{t('imports.run.none')}</p>}
      {state === 'paused' && one.reason !== 'fields_changed' && <Button kind="primary" onPress={() => act('run')} isDisabled={busy}>{t('imports.resume')}</Button>}
      {onColumns && <Button onPress={onColumns} isDisabled={busy}>{t('imports.check.again')}</Button>}
      {state === 'running' && <Button onPress={() => act('pause')} isDisabled={busy}>{t('imports.pause')}</Button>}
      {['uploading', 'checking', 'checked', 'running', 'paused'].includes(state) && <Button kind="subtle" onPress={() => setAsked('cancel')} isDisabled={busy}>{t('imports.cancel')}</Button>}
      {one.undoUntil && <Button onPress={() => setAsked('undo')} isDisabled={busy}>{t('imports.undo')}</Button>}
      {state === 'checked' && made > 0 && <p className="import-summary">{tn('imports.run.makes', made)}</p>}
      {asked === 'undo' && one.accessGiven && <UndoQuestion one={one} onClose={() => setAsked(null)} onConfirm={(takes) => act(takes ? 'undoWithAccess' : 'undo')} />}
      {asked && !(asked === 'undo' && one.accessGiven) && <Question title={t(`imports.${asked}.title`)} detail={t(`imports.${asked}.detail`)} confirm={t(`imports.${asked}`)} onClose={() => setAsked(null)} onConfirm={() => act(asked)} />}
    </div>
  );
}
