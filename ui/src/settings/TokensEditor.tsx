/** The site's API tokens: what they may, when they were last used, when they end; made and revoked here. */
import { useState } from 'react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { asProblem } from '../api/problem';
import { keys } from '../api/queries';
import type { NewToken, Token } from '../api/types';
import { useReader } from '../app/reader';
import { useServices } from '../app/services';
import { Button } from '../kit/Button';
import { Question } from '../kit/Dialogs';
import { showFlag } from '../kit/flags';
import { EmptyState, ProblemNotice, Skeleton } from '../kit/Notice';
import { t, tn } from '../messages';
import { formatDate } from '../values/format';
import { SecretDialog, TokenDialog } from './TokenDialog';
import { byExpiry, lifeOf } from './tokens';

type Open = { what: 'add' } | { what: 'secret'; token: NewToken } | { what: 'revoke'; token: Token };

export function TokensEditor() {
  const { calls } = useServices();
  const client = useQueryClient();
  const tokens = useQuery({ queryKey: keys.tokens, queryFn: () => calls.tokens() });
  const [open, setOpen] = useState<Open | null>(null);
  const [now] = useState(() => new Date());
  if (tokens.isPending) return <Skeleton rows={4} />;
  if (!tokens.data) return <ProblemNotice error={tokens.error} onRetry={() => void tokens.refetch()} />;

  const again = () => client.invalidateQueries({ queryKey: keys.tokens });
  const close = () => setOpen(null);
  const add = () => setOpen({ what: 'add' });
  const revoke = async (token: Token) => {
    close();
    try {
      await calls.revokeToken(token.id);
      showFlag({ tone: 'success', text: t('tokens.revoked', { name: token.name }) });
    } catch (error) {
      const problem = asProblem(error);
      showFlag({ tone: 'error', text: `${t(`problem.${problem.kind}.title`)}. ${problem.detail ?? t(`problem.${problem.kind}.do`)}` });
    }
    await again();
  };
  return (
    <div className="tokens">
      <div className="editor-head">
        <p className="page-intro">{t('tokens.intro')}</p>
        {tokens.data.length > 0 && <div className="editor-actions"><Button kind="primary" icon="add" onPress={add}>{t('tokens.add')}</Button></div>}
      </div>
      {tokens.data.length === 0 && (
        <EmptyState icon="key" title={t('tokens.none.title')} detail={t('tokens.none.detail')}><Button kind="primary" icon="add" onPress={add}>{t('tokens.add')}</Button></EmptyState>
      )}
      {tokens.data.length > 0 && (
        <ul className="token-list" aria-label={t('settings.tokens')}>
          {byExpiry(tokens.data).map((token) => <TokenItem key={token.id} token={token} now={now} onRevoke={() => setOpen({ what: 'revoke', token })} />)}
        </ul>
      )}
      {open?.what === 'add' && <TokenDialog onClose={close} onMade={(token) => { setOpen({ what: 'secret', token }); void again(); }} />}
      {open?.what === 'secret' && <SecretDialog token={open.token} onClose={close} />}
      {open?.what === 'revoke' && (
        <Question title={t('tokens.revoke.title', { name: open.token.name })} detail={t('tokens.revoke.detail')} confirm={t('tokens.revoke')} onClose={close} onConfirm={() => void revoke(open.token)} />
      )}
    </div>
  );
}

function TokenItem({ token, now, onRevoke }: { token: Token; now: Date; onRevoke: () => void }) {
  const reader = useReader();
  const life = lifeOf(token, now);
  const end = formatDate(token.expiresAt.slice(0, 10), reader);
  return (
    <li className="token card">
      <div className="token-text">
        <p className="token-name">
          <bdi>{token.name}</bdi>
          {life.state === 'soon' && <span className="lozenge lozenge-warning">{tn('tokens.soon', life.days)}</span>}
          {life.state === 'expired' && <span className="lozenge lozenge-danger">{t('tokens.expired')}</span>}
        </p>
        <p className="token-scopes">{token.scopes.map((s) => <code key={s}>{s}</code>)}</p>
        <p className="shelf-facts">
          <span>{token.lastUsedOn ? t('tokens.used', { date: formatDate(token.lastUsedOn, reader) }) : t('tokens.unused')}</span>
          <span>{t(life.state === 'expired' ? 'tokens.ended' : 'tokens.ends', { date: end })}</span>
          <span><bdi>{t('tokens.made.by', { name: token.madeBy.displayName, date: formatDate(token.madeAt.slice(0, 10), reader) })}</bdi></span>
        </p>
      </div>
      <Button small onPress={onRevoke} aria-label={t('tokens.revoke.named', { name: token.name })}>{t('tokens.revoke')}</Button>
    </li>
  );
}
