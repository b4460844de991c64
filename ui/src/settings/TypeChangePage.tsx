/** Another type for a field: what is wanted, what would become of each value, and the way back. */
import { useState } from 'react';
import { Form, Switch } from 'react-aria-components';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { asProblem, errorAt, type ApiProblem } from '../api/problem';
import { keys } from '../api/queries';
import { authorName, type Field, type FieldType, type TypeChange, type TypeChangeInput } from '../api/types';
import { useReader } from '../app/reader';
import { href } from '../app/route';
import { useServices } from '../app/services';
import { Progress } from '../imports/Progress';
import { Button } from '../kit/Button';
import { Question } from '../kit/Dialogs';
import { ChoiceInput, LongTextInput, TextInput } from '../kit/fields';
import { showFlag } from '../kit/flags';
import { Icon } from '../kit/Icon';
import { ProblemNotice, Skeleton } from '../kit/Notice';
import { t, tn } from '../messages';
import { formatInstant } from '../values/format';
import { FIELD_TYPES, hasOptions } from './fieldInput';
import { KeptValues, TypeChangeRows } from './TypeChangeRows';

/** States in which a job works on it. */
const MOVING: readonly TypeChange['state'][] = ['checking', 'running', 'undoing'];
const LOOK_MS = 1_000;
const DATES = ['iso', 'dayFirst', 'monthFirst'] as const;
const DECIMALS = ['point', 'comma'] as const;

type Wish = 'run' | 'cancel' | 'undo';

/** The types that a field's values can become; the server says the same. */
export const typesAfter = (type: FieldType): FieldType[] =>
  FIELD_TYPES.filter((to) => to !== type && to !== 'user' && (type !== 'user' || to === 'text' || to === 'longText'));

export function TypeChangePage({ fieldId }: { fieldId: string }) {
  const { calls } = useServices();
  const field = useQuery({ queryKey: keys.field(fieldId), queryFn: () => calls.field(fieldId), staleTime: 0 });
  const made = useQuery({
    queryKey: keys.typeChanges(fieldId), queryFn: () => calls.typeChanges(fieldId), staleTime: 0,
    refetchInterval: (query) => (query.state.data?.items[0] && MOVING.includes(query.state.data.items[0].state) ? LOOK_MS : false),
  });
  const failed = [field, made].find((q) => q.isError && !q.data);
  if (failed) return <div className="imports"><Back entity="customer" /><ProblemNotice error={failed.error} onRetry={() => void failed.refetch()} /></div>;
  if (!field.data || !made.data) return <Skeleton head rows={5} />;
  const [latest, ...earlier] = made.data.items;
  return (
    <div className="imports">
      <div>
        <Back entity={field.data.entity} />
        <h2 className="import-title"><bdi>{t('types.title', { name: field.data.name })}</bdi> {latest && latest.state !== 'cancelled' && <StateLozenge state={latest.state} />}</h2>
      </div>
      <Body key={latest?.id ?? ''} field={field.data} latest={latest ?? null} />
      {earlier.some((one) => one.state !== 'cancelled') && <Earlier all={earlier.filter((one) => one.state !== 'cancelled')} />}
    </div>
  );
}

function Back({ entity }: { entity: Field['entity'] }) {
  return <a className="back" href={href.settings(entity)}><Icon name="back" small />{t('types.back')}</a>;
}

const TONES: Partial<Record<TypeChange['state'], string>> = { checked: 'lozenge-warning', done: 'lozenge-success', cancelled: 'lozenge-off', undone: 'lozenge-off' };

function StateLozenge({ state }: { state: TypeChange['state'] }) {
  return <span className={`lozenge ${TONES[state] ?? 'lozenge-new'}`}>{t(`types.state.${state}`)}</span>;
}

function Body({ field, latest }: { field: Field; latest: TypeChange | null }) {
  const [anew, setAnew] = useState(false);
  const reader = useReader();
  const past = latest && ['cancelled', 'undone', 'done'].includes(latest.state);
  if (!latest || latest.state === 'cancelled' || anew) {
    return <Wanted field={field} before={latest} {...(latest && latest.state !== 'cancelled' ? { onBack: () => setAnew(false) } : {})} />;
  }
  return (
    <>
      <p className="shelf-facts">
        <span>{t('types.earlier.change', { from: t(`type.${latest.from}`), to: t(`type.${latest.to}`) })}</span>
        <span><bdi>{t('imports.by', { name: authorName(latest.createdBy), date: formatInstant(latest.createdAt, reader) })}</bdi></span>
      </p>
      {latest.state === 'checking' && <div className="card"><Progress label={t('types.checking')} value={null} text={tn('types.read', latest.rowsRead)} /></div>}
      {latest.state === 'running' && <div className="card"><Progress label={t('types.state.running')} value={held(latest) > 0 ? latest.valuesWritten / held(latest) : null} /></div>}
      {latest.state === 'undoing' && <div className="card"><Progress label={t('types.state.undoing')} value={latest.valuesWritten > 0 ? (latest.valuesReturned + latest.valuesKept) / latest.valuesWritten : null} /></div>}
      {past && <Summary one={latest} />}
      <Acts field={field} one={latest} onAnew={() => setAnew(true)} />
      {latest.state === 'checked' && latest.options.length > 0 && <p className="page-intro"><bdi>{t('types.options.after')}: {latest.options.slice(0, 30).join(', ')}{latest.options.length > 30 ? ' …' : ''}</bdi></p>}
      {latest.state === 'undone' && latest.valuesKept > 0 && <KeptValues one={latest} />}
      {latest.state !== 'checking' && <TypeChangeRows one={latest} />}
    </>
  );
}

const held = (one: TypeChange) => one.rows.changed + one.rows.refused;

function Summary({ one }: { one: TypeChange }) {
  const reader = useReader();
  return (
    <p className="import-summary">
      {tn('types.written', one.valuesWritten)}
      {one.state === 'undone' && <>, {tn('types.returned', one.valuesReturned)}</>}
      {one.undoUntil && <>. {t('types.undo.until', { date: formatInstant(one.undoUntil, reader) })}</>}
    </p>
  );
}

/** What can be done now. */
function Acts({ field, one, onAnew }: { field: Field; one: TypeChange; onAnew: () => void }) {
  const { calls } = useServices();
  const client = useQueryClient();
  const [asked, setAsked] = useState(false);
  const again = () => Promise.all([
    ...[['fields', field.entity], keys.field(field.id), keys.typeChanges(field.id), ['values'], ['history'], ['panel'], ['customers'], ['organizations']].map((queryKey) => client.invalidateQueries({ queryKey })),
  ]);
  const move = useMutation({
    mutationFn: (wish: Wish) => calls.moveTypeChange(one.id, wish),
    onSuccess: async (moved, wish) => {
      if (wish === 'run') showFlag({ tone: 'success', text: t('types.changed', { type: t(`type.${moved.to}`) }) });
      if (wish === 'undo') showFlag({ tone: 'success', text: t('types.undone', { type: t(`type.${moved.from}`) }) });
      await again();
    },
    onError: async (error) => {
      const problem = asProblem(error);
      showFlag({ tone: 'error', text: problem.detail ?? t(`problem.${problem.kind}.do`) });
      await again();
    },
  });
  const busy = move.isPending;
  const { state } = one;
  const to = t(`type.${one.to}`);
  return (
    <div className="editor-actions">
      {state === 'checked' && held(one) === 0 && <p className="import-summary">{t('types.none')}</p>}
      {state === 'checked' && <Button kind="primary" onPress={() => move.mutate('run')} isDisabled={busy}>{one.rows.refused > 0 ? tn('types.run.lossy', one.rows.refused, { type: to }) : t('types.run', { type: to })}</Button>}
      {state === 'checked' && <Button onPress={onAnew} isDisabled={busy}>{t('types.preview.again')}</Button>}
      {(state === 'checked' || state === 'checking') && <Button kind="subtle" onPress={() => move.mutate('cancel')} isDisabled={busy}>{t('types.leave')}</Button>}
      {one.undoUntil && <Button onPress={() => setAsked(true)} isDisabled={busy}>{t('types.undo')}</Button>}
      {(state === 'done' || state === 'undone') && <Button onPress={onAnew} isDisabled={busy}>{t('types.change')}</Button>}
      {asked && <Question title={t('types.undo.title')} detail={t('types.undo.detail', { type: t(`type.${one.from}`) })} confirm={t('types.undo')} onClose={() => setAsked(false)} onConfirm={() => { setAsked(false); move.mutate('undo'); }} />}
    </div>
  );
}

/** What is wanted, with no more questions than the two types raise. */
function Wanted({ field, before, onBack }: { field: Field; before: TypeChange | null; onBack?: () => void }) {
  const { calls } = useServices();
  const reader = useReader();
  const client = useQueryClient();
  const choices = typesAfter(field.type);
  const first = before && choices.includes(before.to) ? before.to : (choices[0] ?? 'text');
  const [type, setType] = useState<FieldType>(first);
  const [reading, setReading] = useState<Required<NonNullable<TypeChangeInput['reading']>>>(before?.reading ?? { dates: 'iso', decimal: 'point', listSeparator: ';', timeZone: reader.timeZone });
  const [options, setOptions] = useState('');
  const [create, setCreate] = useState(true);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [busy, setBusy] = useState(false);
  const fromText = ['text', 'longText'].includes(field.type);
  const submit = async () => {
    setBusy(true);
    setProblem(null);
    try {
      const labels = hasOptions(type) ? options.split('\n').map((label) => label.trim()).filter((label) => label !== '') : [];
      await calls.previewTypeChange(field.id, { type, reading, options: labels, createOptions: create && hasOptions(type) });
      await client.invalidateQueries({ queryKey: keys.typeChanges(field.id) });
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  const at = (pointer: string) => problem && errorAt(problem, pointer);
  const placed = problem && ['/type', '/options', '/reading/listSeparator', '/reading/timeZone'].some((pointer) => errorAt(problem, pointer));
  const split = type === 'multiSelect' || field.type === 'multiSelect';
  const dated = (type === 'date' || type === 'dateTime') && fromText;
  const zoned = type === 'dateTime' || (field.type === 'dateTime' && type === 'date');
  return (
    <Form className="import-part" onSubmit={(e) => { e.preventDefault(); void submit(); }}>
      <p className="page-intro">{t('types.intro')}</p>
      {problem && !placed && <ProblemNotice error={problem} />}
      <div className="form-pair">
        <ChoiceInput label={t('types.to')} help={t('types.now', { type: t(`type.${field.type}`) })} value={type} error={at('/type')} onChange={(id) => { setProblem(null); setType(id as FieldType); }} choices={choices.map((id) => ({ id, label: t(`type.${id}`) }))} />
        {dated && <ChoiceInput label={t('imports.dates')} value={reading.dates} onChange={(id) => setReading({ ...reading, dates: id as typeof reading.dates })} choices={DATES.map((id) => ({ id, label: t(`imports.dates.${id}`) }))} />}
        {type === 'number' && fromText && <ChoiceInput label={t('imports.decimal')} value={reading.decimal} onChange={(id) => setReading({ ...reading, decimal: id as typeof reading.decimal })} choices={DECIMALS.map((id) => ({ id, label: t(`imports.decimal.${id}`) }))} />}
        {split && <TextInput label={t('types.separator')} value={reading.listSeparator} maxLength={5} error={at('/reading/listSeparator')} onChange={(listSeparator) => setReading({ ...reading, listSeparator })} />}
      </div>
      {hasOptions(type) && (
        <>
          <Switch className="switch" isSelected={create} onChange={setCreate}>
            <span className="switch-track"><span className="switch-knob" /></span>
            <span className="choice-text">{t('types.create')}<span className="choice-detail">{t('types.create.detail')}</span></span>
          </Switch>
          <LongTextInput label={t('types.options')} help={t('types.options.help')} rows={3} value={options} error={at('/options')} onChange={(v) => { setProblem(null); setOptions(v); }} />
        </>
      )}
      {zoned && <p className="control-help">{t('types.zone', { zone: reading.timeZone })}</p>}
      <div className="editor-actions">
        <Button kind="primary" type="submit" isDisabled={busy}>{t('types.preview')}</Button>
        {onBack && <Button kind="subtle" onPress={onBack}>{t('types.preview.back')}</Button>}
      </div>
    </Form>
  );
}

function Earlier({ all }: { all: TypeChange[] }) {
  const reader = useReader();
  return (
    <section className="import-part">
      <h3 className="permission-title">{t('types.earlier')}</h3>
      <ul className="tokens">
        {all.map((one) => (
          <li key={one.id} className="token card">
            <div className="token-text">
              <p className="token-name">{t('types.earlier.change', { from: t(`type.${one.from}`), to: t(`type.${one.to}`) })}<StateLozenge state={one.state} /></p>
              <p className="shelf-facts">
                <span><bdi>{t('imports.by', { name: authorName(one.createdBy), date: formatInstant(one.createdAt, reader) })}</bdi></span>
                <span>{tn('types.written', one.valuesWritten)}</span>
              </p>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
