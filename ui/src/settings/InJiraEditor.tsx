/** Fields whose values stand on issues in Jira: chosen and removed here, and how far the writing is. */
import { useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { keys } from '../api/queries';
import type { Field, FieldOnIssues, InJira } from '../api/types';
import { useReader } from '../app/reader';
import { useServices } from '../app/services';
import { Button } from '../kit/Button';
import { copyText } from '../kit/copy';
import { Question } from '../kit/Dialogs';
import { ChoiceInput } from '../kit/fields';
import { Icon } from '../kit/Icon';
import { EmptyState, ProblemNotice, Skeleton } from '../kit/Notice';
import { t, tn } from '../messages';
import { formatInstant } from '../values/format';
import { mayStandOnIssues, queryFor, whyWords } from './injira';
import { useInJiraActs } from './useInJiraActs';

/** How often the page looks while something is under way. */
const LOOK_EVERY_MS = 3_000;

type Open = { what: 'add'; field: Field } | { what: 'remove'; field: FieldOnIssues };

const underWay = (state: InJira | undefined) => state !== undefined && (state.finding || state.waiting > 0);

export function InJiraEditor() {
  const { calls } = useServices();
  const tell = useInJiraActs();
  const state = useQuery({ queryKey: keys.inJira, queryFn: () => calls.inJira(), refetchInterval: (query) => (underWay(query.state.data) ? LOOK_EVERY_MS : false) });
  const customers = useQuery({ queryKey: keys.fields('customer'), queryFn: () => calls.fields('customer') });
  const organizations = useQuery({ queryKey: keys.fields('organization'), queryFn: () => calls.fields('organization') });
  const [wanted, setWanted] = useState<string | null>(null);
  const [open, setOpen] = useState<Open | null>(null);
  if (state.isPending || customers.isPending || organizations.isPending) return <Skeleton rows={4} />;
  if (!state.data || !customers.data || !organizations.data) {
    const again = () => void Promise.all([state, customers, organizations].map((query) => query.refetch()));
    return <ProblemNotice error={state.error ?? customers.error ?? organizations.error} onRetry={again} />;
  }

  const { fields } = state.data;
  const standing = new Set(fields.map((field) => field.fieldId));
  const fit = [...customers.data, ...organizations.data].filter((field) => mayStandOnIssues(field) && !standing.has(field.id));
  const close = () => setOpen(null);
  const act = async (done: string, what: () => Promise<unknown>) => {
    close();
    await tell(done, what);
  };
  const chosen = fit.find((field) => field.id === wanted);
  return (
    <div className="tokens">
      <p className="page-intro">{t('injira.intro')}</p>
      <div className="notice notice-warning" role="note"><Icon name="info" small /><span>{t('injira.warning')}</span></div>
      {fields.length === 0 && <EmptyState icon="external" title={t('injira.none.title')} detail={t(fit.length === 0 ? 'injira.unfit' : 'injira.none.detail')} />}
      {fields.length > 0 && (
        <ul className="token-list" aria-label={t('settings.injira')}>
          {fields.map((field) => <StandingItem key={field.fieldId} field={field} onRemove={() => setOpen({ what: 'remove', field })} />)}
        </ul>
      )}
      {fit.length > 0 && (
        <div className="injira-add">
          <ChoiceInput label={t('injira.add.field')} value={chosen ? wanted : null} onChange={setWanted}
            choices={fit.map((field) => ({ id: field.id, label: field.name, detail: t(`injira.of.${field.entity}`) }))} />
          <Button kind="primary" icon="add" isDisabled={!chosen} onPress={() => chosen && setOpen({ what: 'add', field: chosen })}>{t('injira.add')}</Button>
        </div>
      )}
      {(fields.length > 0 || state.data.known > 0) && <Progress state={state.data} onAgain={() => void act(t('injira.again.done'), () => calls.sendIssuesAgain())} />}
      {open?.what === 'add' && (
        <Question title={t('injira.add.title', { name: open.field.name })} detail={t('injira.add.detail')} confirm={t('injira.add.confirm')} onClose={close}
          onConfirm={() => { setWanted(null); void act(t('injira.added', { name: open.field.name }), () => calls.putOnIssues(open.field.id, open.field.version)); }} />
      )}
      {open?.what === 'remove' && (
        <Question title={t('injira.remove.title', { name: open.field.name })} detail={t('injira.remove.detail')} confirm={t('injira.remove')} onClose={close}
          onConfirm={() => void act(t('injira.removed', { name: open.field.name }), () => calls.takeOffIssues(open.field.fieldId, open.field.version))} />
      )}
    </div>
  );
}

function StandingItem({ field, onRemove }: { field: FieldOnIssues; onRemove: () => void }) {
  const jql = queryFor(field);
  const { name } = field;
  return (
    <li className="token card">
      <div className="token-text">
        <p className="token-name"><bdi>{name}</bdi> <span className="choice-detail">{t(`injira.of.${field.entity}`)}</span></p>
        <dl className="injira-ways">
          <dt>{t('injira.jql')}</dt>
          <dd>{jql ? <Copied text={jql} label={t('injira.copy.jql', { name })} /> : <span className="choice-detail">{t('injira.jql.not')}</span>}</dd>
          <dt>{t('injira.automation')}</dt>
          <dd><Copied text={field.smartValue} label={t('injira.copy.automation', { name })} /></dd>
        </dl>
      </div>
      <Button small onPress={onRemove} aria-label={t('injira.remove.named', { name })}>{t('injira.remove')}</Button>
    </li>
  );
}

function Copied({ text, label }: { text: string; label: string }) {
  return <><code dir="ltr">{text}</code> <Button small icon="copy" onPress={() => void copyText(text)} aria-label={label}>{t('injira.copy')}</Button></>;
}

function Progress({ state, onAgain }: { state: InJira; onAgain: () => void }) {
  const reader = useReader();
  const { known, waiting, failed, failures, heldUntil, heldBecause, finding } = state;
  return (
    <section className="card injira-state" aria-labelledby="injira-state">
      <h2 id="injira-state" className="side-title">{t('injira.state')}</h2>
      <p role="status">{waiting > 0 ? tn('injira.waiting', waiting, { known }) : known > 0 || !finding ? tn('injira.done', known - failed) : ''} {finding && t('injira.finding')}</p>
      {heldUntil && <p className="notice notice-warning">{t('injira.held', { when: formatInstant(heldUntil, reader), why: whyWords(heldBecause) })}</p>}
      {failed > 0 && (
        <>
          <p>{tn('injira.failed', failed)}</p>
          <ul className="injira-failures">{failures.map((one) => <li key={one.issueId}>{t('injira.failure', { id: one.issueId, why: whyWords(one.code) })}</li>)}</ul>
        </>
      )}
      <div><Button small onPress={onAgain}>{t('injira.again')}</Button></div>
    </section>
  );
}
