/** What stands where content would be: an empty place, a failure, a page that is being loaded. */
import type { ReactNode } from 'react';
import { asProblem } from '../api/problem';
import { copyText } from './copy';
import { t, type MessageKey } from '../messages';
import { rememberPage, SIGN_IN } from '../app/signIn';
import { forgeBridge } from '../transport/forge';
import { onPortal } from '../transport/portal';
import { Button, IconButton } from './Button';
import { Icon, type IconName } from './Icon';

export function EmptyState({ icon, title, detail, children }: { icon: IconName; title: string; detail: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <span className="empty-icon"><Icon name={icon} /></span>
      <h2 className="empty-title"><bdi>{title}</bdi></h2>
      <p className="empty-detail">{detail}</p>
      {children && <div className="empty-actions">{children}</div>}
    </div>
  );
}

/** A failed call: what happened, what to do, and the number by which an administrator finds it in the log. */
export function ProblemNotice({ error, onRetry, forge = false }: { error: unknown; onRetry?: (() => void) | undefined; forge?: boolean }) {
  const problem = asProblem(error);
  const code = problem.kind;
  const portal = onPortal();
  const todo: MessageKey = code !== 'unauthenticated' ? `problem.${code}.do` : portal ? 'problem.unauthenticated.portal.do' : forge ? 'problem.unauthenticated.forge.do' : 'problem.unauthenticated.do';
  // The server's own words tell a script what to send; a person signs in.
  const signedOut = code === 'unauthenticated' && !forge && !forgeBridge();
  const signIn = signedOut && !portal;
  return (
    <div className="problem" role="alert">
      <Icon name={problem.kind === 'unreachable' ? 'offline' : 'error'} />
      <div className="problem-body">
        <p className="problem-title">{t(`problem.${code}.title`)}</p>
        {problem.detail && !signedOut && <p dir="auto">{problem.detail}</p>}
        <p>{t(todo)}</p>
        <div className="problem-foot">
          {signIn && <a className="button button-primary button-small" href={SIGN_IN} onClick={rememberPage}>{t('act.sign_in')}</a>}
          {onRetry && !signedOut && code !== 'refused' && <Button small onPress={onRetry}>{t('act.retry')}</Button>}
          {problem.requestId && (
            <span className="problem-request">
              <code>{t('problem.request', { id: problem.requestId })}</code>
              <IconButton icon="copy" label={t('problem.request.copy')} onPress={() => void copyText(problem.requestId ?? '')} />
            </span>
          )}
        </div>
      </div>
    </div>
  );
}

/** Grey bars in the shape of what is coming. */
export function Skeleton({ rows = 4, head = false }: { rows?: number; head?: boolean }) {
  return (
    <div className="skeleton" role="status">
      <span className="visually-hidden">{t('app.loading')}</span>
      {head && <div className="skeleton-head"><span className="bone bone-circle" /><span className="bone bone-title" /></div>}
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} className="skeleton-row"><span className="bone bone-label" /><span className="bone bone-value" /></div>
      ))}
    </div>
  );
}
