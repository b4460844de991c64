/** With what customers' own sites sign their people in: the keys, what to do on such a site, and why the last token was refused. */
import { useState } from 'react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';
import { asProblem } from '../api/problem';
import { keys } from '../api/queries';
import type { CustomerKey, NewCustomerKey } from '../api/types';
import { useReader } from '../app/reader';
import { useServices } from '../app/services';
import { Button } from '../kit/Button';
import { copyText } from '../kit/copy';
import { Question } from '../kit/Dialogs';
import { showFlag } from '../kit/flags';
import { EmptyState, ProblemNotice, Skeleton } from '../kit/Notice';
import { t, tn, type MessageKey } from '../messages';
import { en } from '../messages/en';
import { formatDate, formatInstant } from '../values/format';
import { CustomerKeyDialog, CustomerSecretDialog } from './CustomerKeyDialog';
import { form, LANGUAGES, signing } from './signing';
import { byExpiry, lifeOf } from './tokens';

type Open = { what: 'add' } | { what: 'made'; key: NewCustomerKey } | { what: 'delete'; key: CustomerKey };

/** In words that say what to mend; a newer server may know more. */
export function reasonOf(code: string): string {
  const key = `signin.reason.${code}`;
  return t((key in en ? key : 'signin.reason.other') as MessageKey);
}

export function CustomerKeysEditor() {
  const { calls } = useServices();
  const client = useQueryClient();
  const found = useQuery({ queryKey: keys.customerKeys, queryFn: () => calls.customerKeys() });
  const [open, setOpen] = useState<Open | null>(null);
  const [now] = useState(() => new Date());
  if (found.isPending) return <Skeleton rows={4} />;
  if (!found.data) return <ProblemNotice error={found.error} onRetry={() => void found.refetch()} />;

  const all = found.data.items;
  const again = () => client.invalidateQueries({ queryKey: keys.customerKeys });
  const close = () => setOpen(null);
  const add = () => setOpen({ what: 'add' });
  const remove = async (key: CustomerKey) => {
    close();
    try {
      await calls.deleteCustomerKey(key.id);
      showFlag({ tone: 'success', text: t('signin.deleted', { name: key.name }) });
    } catch (error) {
      const problem = asProblem(error);
      showFlag({ tone: 'error', text: `${t(`problem.${problem.kind}.title`)}. ${problem.detail ?? t(`problem.${problem.kind}.do`)}` });
    }
    await again();
  };
  return (
    <div className="tokens signin">
      <div className="editor-head">
        <p className="page-intro">{t('signin.intro')}</p>
        {all.length > 0 && <div className="editor-actions"><Button kind="primary" icon="add" onPress={add}>{t('signin.add')}</Button></div>}
      </div>
      {all.length === 0 && (
        <EmptyState icon="key" title={t('signin.none.title')} detail={t('signin.none.detail')}><Button kind="primary" icon="add" onPress={add}>{t('signin.add')}</Button></EmptyState>
      )}
      {all.length > 0 && (
        <>
          <ul className="token-list" aria-label={t('signin.keys')}>
            {byExpiry(all).map((key) => <KeyItem key={key.id} of={key} now={now} onDelete={() => setOpen({ what: 'delete', key })} />)}
          </ul>
          <HowTo kid={all[0]?.kid ?? ''} audience={found.data.signInUrl} />
        </>
      )}
      {open?.what === 'add' && <CustomerKeyDialog onClose={close} onMade={(key) => { setOpen({ what: 'made', key }); void again(); }} />}
      {open?.what === 'made' && <CustomerSecretDialog of={open.key} onClose={close} />}
      {open?.what === 'delete' && (
        <Question title={t('signin.delete.title', { name: open.key.name })} detail={t('signin.delete.detail')} confirm={t('signin.delete')} onClose={close} onConfirm={() => void remove(open.key)} />
      )}
    </div>
  );
}

function KeyItem({ of, now, onDelete }: { of: CustomerKey; now: Date; onDelete: () => void }) {
  const reader = useReader();
  const life = lifeOf(of, now);
  return (
    <li className="token card">
      <div className="token-text">
        <p className="token-name">
          <bdi>{of.name}</bdi>
          {life.state === 'soon' && <span className="lozenge lozenge-warning">{tn('tokens.soon', life.days)}</span>}
          {life.state === 'expired' && <span className="lozenge lozenge-danger">{t('tokens.expired')}</span>}
        </p>
        <p className="token-scopes"><code>{of.algorithm}</code><code dir="ltr">kid {of.kid}</code></p>
        <p className="shelf-facts">
          <span>{of.lastUsedOn ? t('signin.used', { date: formatDate(of.lastUsedOn, reader) }) : t('signin.unused')}</span>
          <span>{t(life.state === 'expired' ? 'tokens.ended' : 'tokens.ends', { date: formatDate(of.expiresAt.slice(0, 10), reader) })}</span>
          <span><bdi>{t('tokens.made.by', { name: of.madeBy.displayName, date: formatDate(of.madeAt.slice(0, 10), reader) })}</bdi></span>
        </p>
        {of.lastRefusal && <p className="signin-refused">{t('signin.refused', { at: formatInstant(of.lastRefusal.at, reader), reason: reasonOf(of.lastRefusal.reason) })}</p>}
      </div>
      <Button small onPress={onDelete} aria-label={t('signin.delete.named', { name: of.name })}>{t('signin.delete')}</Button>
    </li>
  );
}

function Code({ text, label }: { text: string; label: string }) {
  return (
    <div className="signin-code">
      <pre dir="ltr" tabIndex={0} aria-label={label}><code>{text}</code></pre>
      <Button small icon="copy" aria-label={t('signin.how.copy.named', { what: label })} onPress={() => void copyText(text)}>{t('signin.how.copy')}</Button>
    </div>
  );
}

function HowTo({ kid, audience }: { kid: string; audience: string }) {
  const of = { kid, audience };
  return (
    <section className="signin-how" aria-label={t('signin.how')}>
      <h2 className="side-title">{t('signin.how')}</h2>
      <p>{t('signin.address')}:</p>
      <Code text={audience} label={t('signin.address')} />
      <p>{t('signin.how.intro')}</p>
      <Tabs className="tabs">
        <TabList className="tab-list" aria-label={t('signin.how')}>{LANGUAGES.map((one) => <Tab key={one.id} id={one.id} className="tab">{one.label}</Tab>)}</TabList>
        {LANGUAGES.map((one) => <TabPanel key={one.id} id={one.id} className="tab-panel"><Code text={signing(one.id, of)} label={t('signin.how.code', { language: one.label })} /></TabPanel>)}
      </Tabs>
      <p>{t('signin.how.form')}</p>
      <Code text={form(of)} label={t('signin.how.code', { language: 'HTML' })} />
      <h2 className="side-title">{t('signin.try')}</h2>
      <ol className="signin-try">
        <li>{t('signin.try.1')}</li>
        <li>{t('signin.try.2')}</li>
        <li>{t('signin.try.3')}</li>
        <li>{t('signin.try.4')}</li>
      </ol>
    </section>
  );
}
