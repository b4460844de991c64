/** Two customers beside each other: which is kept, what moves, and what somebody has to choose; then one press. */
import { useState } from 'react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Checkbox, Radio, RadioGroup } from 'react-aria-components';
import { asProblem } from '../api/problem';
import { keys, useFields } from '../api/queries';
import type { Field, MergePreview } from '../api/types';
import { href } from '../app/route';
import { useServices } from '../app/services';
import { showProblem } from '../adding/useAdding';
import { Button } from '../kit/Button';
import { showFlag } from '../kit/flags';
import { Icon } from '../kit/Icon';
import { ProblemNotice, Skeleton } from '../kit/Notice';
import { t, tn } from '../messages';
import { ValueView } from '../values/ValueView';
import { Person } from './DuplicatesPage';
import { showUndone } from './undone';

export function MergePage({ kept, merged }: { kept: string; merged: string }) {
  const { calls } = useServices();
  const preview = useQuery({ queryKey: keys.mergePreview(kept, merged), queryFn: () => calls.mergePreview(kept, merged) });
  const fields = useFields('customer');
  return (
    <>
      <a className="back" href={href.duplicates}><Icon name="back" small />{t('merge.back')}</a>
      <header className="page-head">
        <h1 className="page-title">{t('merge.title')}</h1>
        <p className="page-intro">{t('merge.intro')}</p>
      </header>
      {(preview.isPending || fields.isPending) && <Skeleton rows={5} />}
      {preview.isError && !preview.data && <ProblemNotice error={preview.error} onRetry={() => void preview.refetch()} />}
      {preview.data && fields.data && <Form key={`${kept} ${preview.data.keptValues.version} ${preview.data.mergedValues.version}`} preview={preview.data} fields={fields.data} onAgain={() => void preview.refetch()} />}
    </>
  );
}

type Side = 'kept' | 'merged';

function Form({ preview, fields, onAgain }: { preview: MergePreview; fields: Field[]; onAgain: () => void }) {
  const { calls } = useServices();
  const client = useQueryClient();
  const { kept, merged } = preview;
  const [choices, setChoices] = useState<Record<string, Side>>({});
  const [joins, setJoins] = useState(true);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const of = (ids: string[]) => fields.filter((field) => ids.includes(field.id));
  const [asks, moves] = [of(preview.asks), of(preview.moves)];
  const left = asks.filter((field) => !choices[field.id]).length;
  const value = (field: Field, side: Side) => preview[side === 'kept' ? 'keptValues' : 'mergedValues'].values.find((one) => one.fieldId === field.id)?.value ?? null;
  const again = () => Promise.all(['customers', 'customer', 'organizations', 'organization', 'panel', 'duplicates', 'values', 'history', 'merges'].map((key) => client.invalidateQueries({ queryKey: [key] })));

  const merge = async () => {
    setBusy(true);
    setProblem(null);
    try {
      const done = await calls.merge(kept.accountId, merged.accountId, {
        choices, organizations: joins && preview.joins.length > 0, keptVersion: preview.keptValues.version, mergedVersion: preview.mergedValues.version,
      });
      const undo = async () => {
        try {
          showUndone(await calls.undoMerge(done.merge.id));
        } catch (error) {
          showProblem(error);
        }
        await again();
      };
      showFlag({ tone: 'success', text: t('merge.done', { kept: kept.displayName, merged: merged.displayName }), action: { label: t('act.undo'), run: () => void undo() } });
      const [refused] = done.merge.refused;
      if (refused) showFlag({ tone: 'error', text: t('merge.refused', { reason: refused.problem.detail ?? refused.problem.title }) });
      await again();
      window.location.hash = href.customer(kept.accountId);
    } catch (error) {
      setProblem(error);
      setBusy(false);
      if (asProblem(error).kind === 'conflict') onAgain();
    }
  };
  return (
    <div className="merge">
      <div className="merge-two">
        <section className="card" aria-label={t('merge.kept')}><p className="merge-side">{t('merge.kept')}</p><Person customer={kept} /></section>
        <section className="card" aria-label={t('merge.merged')}><p className="merge-side">{t('merge.merged')}</p><Person customer={merged} /></section>
      </div>
      <div><Button onPress={() => { window.location.hash = href.merge(merged.accountId, kept.accountId); }}>{t('merge.swap')}</Button></div>
      {asks.length > 0 && (
        <section className="card merge-fields" aria-label={t('merge.asks')}>
          <h2 className="side-title">{t('merge.asks')}</h2>
          {asks.map((field) => (
            <RadioGroup key={field.id} className="merge-choice" aria-label={field.name} value={choices[field.id] ?? ''} onChange={(side) => setChoices({ ...choices, [field.id]: side as Side })}>
              <span className="merge-field"><bdi>{field.name}</bdi></span>
              <div className="merge-options">
                {(['kept', 'merged'] as const).map((side) => (
                  <Radio key={side} value={side} className="radio merge-option">
                    <span className="radio-dot" />
                    <span className="choice-text"><span className="merge-value"><ValueView field={field} value={value(field, side)} /></span><span className="choice-detail"><bdi>{preview[side].displayName}</bdi></span></span>
                  </Radio>
                ))}
              </div>
            </RadioGroup>
          ))}
        </section>
      )}
      {moves.length > 0 && (
        <section className="card merge-fields" aria-label={t('merge.moves')}>
          <h2 className="side-title">{t('merge.moves')}</h2>
          <dl className="merge-moves">
            {moves.map((field) => <div key={field.id}><dt><bdi>{field.name}</bdi></dt><dd><ValueView field={field} value={value(field, 'merged')} /></dd></div>)}
          </dl>
        </section>
      )}
      {asks.length === 0 && moves.length === 0 && <p className="control-help">{t('merge.stays')}</p>}
      {preview.joins.length > 0 && (
        <Checkbox className="checkbox" isSelected={joins} onChange={setJoins}>
          <span className="checkbox-box"><Icon name="check" small /></span>
          <span className="choice-text"><span><bdi>{t('merge.joins', { names: preview.joins.map((o) => o.name).join(', ') })}</bdi></span><span className="choice-detail">{t('merge.joins.help')}</span></span>
        </Checkbox>
      )}
      {problem !== null && <ProblemNotice error={problem} />}
      <div className="merge-foot">
        <Button kind="primary" onPress={() => void merge()} isDisabled={busy || left > 0}>{t(busy ? 'merge.doing' : 'merge.do')}</Button>
        {left > 0 && <span className="control-help" role="status">{tn('merge.asks.left', left)}</span>}
      </div>
    </div>
  );
}
