/** What is held about the person who reads it: what, why, until when, given by whom, and who looked. */
import { useQuery } from '@tanstack/react-query';
import { useReader } from '../app/reader';
import { useServices } from '../app/services';
import { keys, useFields } from '../api/queries';
import type { Field, Held, HeldClass, HeldValue } from '../api/types';
import { Icon } from '../kit/Icon';
import { ProblemNotice, Skeleton } from '../kit/Notice';
import { t, tn } from '../messages';
import { formatInstant } from '../values/format';
import { HistoryList } from '../values/HistoryList';
import { ValueView } from '../values/ValueView';
import { CopyButton } from './CopyButton';
import { Readings } from './Readings';
import { classWords, inOrder, keptWords } from './words';

export function HeldPage() {
  const { calls, me, transport } = useServices();
  const held = useQuery({ queryKey: keys.held(me.accountId), queryFn: () => calls.held(me.accountId) });
  if (held.isError && !held.data) return <ProblemNotice error={held.error} forge={transport.kind !== 'session'} onRetry={() => void held.refetch()} />;
  if (!held.data) return <Skeleton rows={6} />;
  return (
    <div className="held">
      <Head held={held.data} />
      <Values held={held.data} />
      <section className="held-part card" aria-labelledby="held-who">
        <h2 id="held-who" className="side-title">{t('readings.title')}</h2>
        <p className="held-small">{t('readings.intro')}</p>
        <Readings accountId={me.accountId} none={t('readings.none')} />
      </section>
      <Classes classes={held.data.classes} />
      <Changes />
    </div>
  );
}

function day(at: string, locale: string, timeZone: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone }).format(new Date(at));
}

function Head({ held }: { held: Held }) {
  const { locale, timeZone } = useReader();
  const { me } = useServices();
  return (
    <div className="held-head">
      <p className="page-intro">{t('held.intro')}</p>
      <p className="page-intro">{t('held.where', { region: held.region, since: day(held.siteSince, locale, timeZone) })}</p>
      <div className="held-copy">
        <CopyButton accountId={me.accountId} hash="#/profile/held" />
        <span className="held-small">{t('held.copy.help')}</span>
      </div>
    </div>
  );
}

function Values({ held }: { held: Held }) {
  const fields = useFields('customer');
  return (
    <section className="held-part card" aria-labelledby="held-values">
      <h2 id="held-values" className="side-title">{t('held.values')}</h2>
      {held.values.length === 0
        ? <p className="history-none">{t('held.values.none')}</p>
        : <dl className="held-list">{held.values.map((value) => <Value key={value.fieldId} value={value} field={fields.data?.find((f) => f.id === value.fieldId)} />)}</dl>}
      {held.hiddenFields > 0 && (
        <div className="held-hidden">
          <Icon name="info" small />
          <p>{tn('held.hidden', held.hiddenFields)} {t('held.hidden.help')}</p>
        </div>
      )}
    </section>
  );
}

/** As the rest of the profile shows it; while its field is not known, as the server writes it for files. */
function Value({ value, field }: { value: HeldValue; field: Field | undefined }) {
  const reader = useReader();
  return (
    <div className="held-value">
      <dt><bdi>{value.fieldName}</bdi></dt>
      <dd>
        {field ? <ValueView field={field} value={value.value} /> : <bdi>{value.text}</bdi>}
        <span className="held-small">{t(`held.by.${value.givenBy}`, { date: formatInstant(value.updatedAt, reader) })}</span>
      </dd>
    </div>
  );
}

function Classes({ classes }: { classes: HeldClass[] }) {
  const all = inOrder(classes);
  const counted = all.filter((one) => one.entries !== null && one.entries > 0);
  const also = all.filter((one) => one.entries === null);
  return (
    <section className="held-part card" aria-labelledby="held-classes">
      <h2 id="held-classes" className="side-title">{t('held.classes')}</h2>
      <ul className="held-list">{counted.map((one) => <Class key={one.name} held={one} />)}</ul>
      <details className="held-also">
        <summary>{t('held.also')}</summary>
        <p className="held-small">{t('held.also.help')}</p>
        <ul className="held-list">{also.map((one) => <Class key={one.name} held={one} />)}</ul>
      </details>
    </section>
  );
}

function Class({ held }: { held: HeldClass }) {
  const { locale, timeZone } = useReader();
  const { title, why } = classWords(held);
  return (
    <li className="held-class" data-class={held.name}>
      <span className="held-name">{title}</span>
      <span className="held-why">{why}</span>
      <span className="held-facts">
        {held.entries !== null && <span>{tn('held.entries', held.entries)}</span>}
        {held.since && <span>{t('held.since', { date: day(held.since, locale, timeZone) })}</span>}
        <span>{keptWords(held.keptDays)}</span>
        {held.liesIn !== 'database' && <span>{t(`held.${held.liesIn}`)}</span>}
      </span>
    </li>
  );
}

function Changes() {
  const { me } = useServices();
  const fields = useFields('customer');
  return (
    <section className="held-part card" aria-labelledby="held-changes">
      <h2 id="held-changes" className="side-title">{t('held.changes')}</h2>
      {fields.isError && !fields.data ? <ProblemNotice error={fields.error} onRetry={() => void fields.refetch()} />
        : fields.data ? <HistoryList subject={{ entity: 'customer', id: me.accountId }} field={null} fields={fields.data} mayEdit={() => false} />
          : <Skeleton rows={3} />}
    </section>
  );
}
