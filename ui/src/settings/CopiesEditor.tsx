/** Rules that copy values into an issue's own fields when a request is made: chosen and removed here, and what Jira did not take. */
import { useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { keys } from '../api/queries';
import type { CopiedField, CopyFailure, Field } from '../api/types';
import { useReader } from '../app/reader';
import { useServices } from '../app/services';
import { Button } from '../kit/Button';
import { Question } from '../kit/Dialogs';
import { ChoiceInput } from '../kit/fields';
import { Icon } from '../kit/Icon';
import { EmptyState, ProblemNotice, Skeleton } from '../kit/Notice';
import { t } from '../messages';
import { formatInstant } from '../values/format';
import { mayStandOnIssues, whyWords } from './injira';
import { useInJiraActs } from './useInJiraActs';

export function CopiesEditor() {
  const { calls } = useServices();
  const act = useInJiraActs();
  const state = useQuery({ queryKey: keys.copies, queryFn: () => calls.copies() });
  const customers = useQuery({ queryKey: keys.fields('customer'), queryFn: () => calls.fields('customer') });
  const organizations = useQuery({ queryKey: keys.fields('organization'), queryFn: () => calls.fields('organization') });
  const [removed, setRemoved] = useState<CopiedField | null>(null);
  if (state.isPending || customers.isPending || organizations.isPending) return <Skeleton rows={3} />;
  if (!state.data || !customers.data || !organizations.data) {
    const again = () => void Promise.all([state, customers, organizations].map((query) => query.refetch()));
    return <ProblemNotice error={state.error ?? customers.error ?? organizations.error} onRetry={again} />;
  }
  const { copies, failures } = state.data;
  const all = [...customers.data, ...organizations.data];
  const taken = new Set(copies.map((copy) => copy.fieldId));
  const fit = all.filter((field) => mayStandOnIssues(field) && !taken.has(field.id));
  return (
    <section className="tokens" aria-labelledby="copies">
      <h2 id="copies" className="side-title">{t('copies.title')}</h2>
      <p className="page-intro">{t('copies.intro')}</p>
      {copies.length === 0 && <EmptyState icon="external" title={t('copies.none.title')} detail={t(fit.length === 0 ? 'injira.unfit' : 'copies.none.detail')} />}
      {copies.length > 0 && (
        <ul className="token-list" aria-label={t('copies.title')}>
          {copies.map((copy) => <CopyItem key={copy.fieldId} copy={copy} onRemove={() => setRemoved(copy)} />)}
        </ul>
      )}
      {fit.length > 0 && <AddCopy fields={fit} taken={copies.map((copy) => copy.issueFieldId)} onAdd={(field, target, name) => void act(t('copies.added', { name: field.name, target: name }), () => calls.putCopy(field.id, field.version, target))} />}
      {failures.length > 0 && <Failures failures={failures} fields={all} />}
      {removed && (
        <Question title={t('copies.remove.title', { name: removed.name })} detail={t('copies.remove.detail')} confirm={t('copies.remove')} onClose={() => setRemoved(null)}
          onConfirm={() => { setRemoved(null); void act(t('copies.removed', { name: removed.name }), () => calls.removeCopy(removed.fieldId, removed.version)); }} />
      )}
    </section>
  );
}

function CopyItem({ copy, onRemove }: { copy: CopiedField; onRemove: () => void }) {
  const reader = useReader();
  return (
    <li className="token card">
      <div className="token-text">
        <p className="token-name"><bdi>{copy.name}</bdi> <span className="choice-detail">{t(`injira.of.${copy.entity}`)}</span> → <bdi>{copy.issueFieldName}</bdi></p>
        <p className="choice-detail">{t('copies.since', { when: formatInstant(copy.since, reader) })}</p>
      </div>
      <Button small onPress={onRemove} aria-label={t('copies.remove.named', { name: copy.name })}>{t('copies.remove')}</Button>
    </li>
  );
}

function AddCopy({ fields, taken, onAdd }: { fields: Field[]; taken: string[]; onAdd: (field: Field, target: string, name: string) => void }) {
  const { calls } = useServices();
  const [wanted, setWanted] = useState<string | null>(null);
  const [target, setTarget] = useState<string | null>(null);
  const [asking, setAsking] = useState(false);
  const field = fields.find((one) => one.id === wanted);
  // Asked of Jira itself, so only once somebody wants it.
  const theirs = useQuery({ queryKey: keys.issueFields, queryFn: () => calls.issueFields(), enabled: field !== undefined });
  const fit = theirs.data?.filter((one) => field && one.takes.includes(field.type) && !taken.includes(one.id)) ?? [];
  const chosen = fit.find((one) => one.id === target);
  return (
    <>
      <div className="injira-add">
        <ChoiceInput label={t('copies.field')} value={field ? wanted : null} onChange={(id) => { setWanted(id); setTarget(null); }}
          choices={fields.map((one) => ({ id: one.id, label: one.name, detail: t(`injira.of.${one.entity}`) }))} />
        <ChoiceInput label={t('copies.target')} value={chosen ? target : null} onChange={setTarget} disabled={fit.length === 0}
          choices={fit.map((one) => ({ id: one.id, label: one.name, detail: t(`copies.type.${one.type}`) }))} />
        <Button kind="primary" icon="add" isDisabled={!chosen} onPress={() => setAsking(true)}>{t('copies.add')}</Button>
      </div>
      {field && theirs.isError && <ProblemNotice error={theirs.error} onRetry={() => void theirs.refetch()} />}
      {field && theirs.data && fit.length === 0 && <p className="choice-detail" role="status">{t('copies.unfit')}</p>}
      {asking && field && chosen && (
        <Question title={t('copies.add.title', { name: field.name, target: chosen.name })} detail={t('copies.add.detail')} confirm={t('copies.add')} onClose={() => setAsking(false)}
          onConfirm={() => { setAsking(false); setWanted(null); setTarget(null); onAdd(field, chosen.id, chosen.name); }} />
      )}
    </>
  );
}

function Failures({ failures, fields }: { failures: CopyFailure[]; fields: Field[] }) {
  const reader = useReader();
  const name = (id: string) => fields.find((field) => field.id === id)?.name ?? t('copies.former');
  return (
    <div className="notice notice-warning" role="note">
      <Icon name="error" small />
      <div>
        <p>{t('copies.failed')}</p>
        <ul className="injira-failures">
          {failures.map((one) => <li key={`${one.issueId} ${one.fieldId}`}>{t('copies.failure', { id: one.issueId, name: name(one.fieldId), when: formatInstant(one.at, reader), why: whyWords(one.code) })}</li>)}
        </ul>
      </div>
    </div>
  );
}
