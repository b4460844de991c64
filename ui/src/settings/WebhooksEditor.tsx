/** Receivers of webhooks: named, tried out, switched on and off, removed; how each does. */
import { useState } from 'react';
import { Menu, MenuItem, MenuTrigger, Popover, Separator } from 'react-aria-components';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { asProblem } from '../api/problem';
import { keys } from '../api/queries';
import type { NewWebhook, Webhook } from '../api/types';
import { useReader } from '../app/reader';
import { useServices } from '../app/services';
import { Button, IconButton } from '../kit/Button';
import { Question } from '../kit/Dialogs';
import { showFlag } from '../kit/flags';
import { Icon } from '../kit/Icon';
import { EmptyState, ProblemNotice, Skeleton } from '../kit/Notice';
import { t, tn } from '../messages';
import { formatInstant } from '../values/format';
import { DeliveriesDrawer } from './DeliveriesDrawer';
import { WebhookDialog, WebhookSecretDialog } from './WebhookDialog';
import { healthOf, originOf } from './webhooks';

type Open =
  | { what: 'add' }
  | { what: 'secret'; webhook: NewWebhook }
  | { what: 'edit' | 'log' | 'rotate' | 'remove'; webhook: Webhook };

export function useWebhooks(enabled = true) {
  const { calls } = useServices();
  return useQuery({ queryKey: keys.webhooks, queryFn: () => calls.webhooks(), enabled });
}

export function WebhooksEditor() {
  const { calls } = useServices();
  const client = useQueryClient();
  const webhooks = useWebhooks();
  const [open, setOpen] = useState<Open | null>(null);
  if (webhooks.isPending) return <Skeleton rows={4} />;
  if (!webhooks.data) return <ProblemNotice error={webhooks.error} onRetry={() => void webhooks.refetch()} />;

  const again = () => client.invalidateQueries({ queryKey: keys.webhooks });
  const close = () => setOpen(null);
  const add = () => setOpen({ what: 'add' });
  /** Does something to one; says what came of it. */
  const act = async (done: string, what: () => Promise<unknown>) => {
    try {
      await what();
      if (done) showFlag({ tone: 'success', text: done });
    } catch (error) {
      const problem = asProblem(error);
      showFlag({ tone: 'error', text: `${t(`problem.${problem.kind}.title`)}. ${problem.detail ?? t(`problem.${problem.kind}.do`)}` });
    }
    await again();
  };
  const onAction = (webhook: Webhook, key: string) => {
    const { name } = webhook;
    const on = webhook.state === 'on';
    switch (key) {
      case 'test': return void act(t('webhooks.tested', { name }), async () => {
        await calls.testWebhook(webhook.id);
        setOpen({ what: 'log', webhook });
      });
      case 'switch': return void act(t(on ? 'webhooks.off.done' : 'webhooks.on.done', { name }), () => calls.setWebhook(webhook, { ...webhook, active: !on }));
      default: setOpen({ what: key as 'edit' | 'log' | 'rotate' | 'remove', webhook });
    }
  };
  return (
    <div className="tokens">
      <div className="editor-head">
        <p className="page-intro">{t('webhooks.intro')}</p>
        {webhooks.data.length > 0 && <div className="editor-actions"><Button kind="primary" icon="add" onPress={add}>{t('webhooks.add')}</Button></div>}
      </div>
      {webhooks.data.length === 0 && (
        <EmptyState icon="globe" title={t('webhooks.none.title')} detail={t('webhooks.none.detail')}><Button kind="primary" icon="add" onPress={add}>{t('webhooks.add')}</Button></EmptyState>
      )}
      {webhooks.data.length > 0 && (
        <ul className="token-list" aria-label={t('settings.webhooks')}>
          {webhooks.data.map((webhook) => <WebhookItem key={webhook.id} webhook={webhook} onAction={(key) => onAction(webhook, key)} />)}
        </ul>
      )}
      {(open?.what === 'add' || open?.what === 'edit') && (
        <WebhookDialog webhook={open.what === 'edit' ? open.webhook : null} onClose={close}
          onMade={(webhook) => { setOpen({ what: 'secret', webhook }); void again(); }}
          onSaved={(webhook) => { close(); showFlag({ tone: 'success', text: t('webhooks.saved', { name: webhook.name }) }); void again(); }} />
      )}
      {open?.what === 'secret' && <WebhookSecretDialog webhook={open.webhook} onClose={close} />}
      {open?.what === 'log' && <DeliveriesDrawer webhook={open.webhook} onClose={() => { close(); void again(); }} />}
      {open?.what === 'rotate' && (
        <Question title={t('webhooks.rotate.title', { name: open.webhook.name })} detail={t('webhooks.rotate.detail')} confirm={t('webhooks.rotate')} onClose={close}
          onConfirm={() => void act('', async () => setOpen({ what: 'secret', webhook: await calls.rotateWebhookSecret(open.webhook.id) }))} />
      )}
      {open?.what === 'remove' && (
        <Question title={t('webhooks.remove.title', { name: open.webhook.name })} detail={t('webhooks.remove.detail')} confirm={t('act.delete')} onClose={close}
          onConfirm={() => { close(); void act(t('webhooks.removed', { name: open.webhook.name }), () => calls.removeWebhook(open.webhook)); }} />
      )}
    </div>
  );
}

function WebhookItem({ webhook, onAction }: { webhook: Webhook; onAction: (key: string) => void }) {
  const reader = useReader();
  const health = healthOf(webhook);
  const on = webhook.state === 'on';
  return (
    <li className="token card">
      <div className="token-text">
        <p className="token-name">
          <bdi>{webhook.name}</bdi>
          {health === 'paused' && <span className="lozenge">{t('webhooks.paused')}</span>}
          {health === 'failing' && <span className="lozenge lozenge-warning">{t('webhooks.failing')}</span>}
          {health === 'dead' && <span className="lozenge lozenge-danger">{t('webhooks.dead')}</span>}
        </p>
        <p className="token-scopes">{webhook.events.map((e) => <code key={e} dir="ltr">{e}</code>)}</p>
        <p className="shelf-facts">
          <span dir="ltr">{originOf(webhook.url)}</span>
          <span>{t(webhook.includeValues ? 'webhooks.with.values' : 'webhooks.ids.only')}</span>
          {webhook.failingSince && <span>{t('webhooks.failing.since', { when: formatInstant(webhook.failingSince, reader) })}</span>}
          {webhook.failed > 0 && <span>{tn('webhooks.failed', webhook.failed)}</span>}
        </p>
      </div>
      <div className="editor-actions">
        {!on && <Button small kind="primary" onPress={() => onAction('switch')}>{t('webhooks.on')}</Button>}
        <Button small onPress={() => onAction('log')} aria-label={t('webhooks.log.named', { name: webhook.name })}>{t('webhooks.log')}</Button>
        <MenuTrigger>
          <IconButton icon="more" label={t('webhooks.actions', { name: webhook.name })} tooltip={false} />
          <Popover className="popover" placement="bottom end">
            <Menu className="menu" disabledKeys={on ? [] : ['test']} onAction={(key) => onAction(String(key))}>
              <MenuItem id="test" className="menu-item"><Icon name="mail" small />{t('webhooks.test')}</MenuItem>
              <MenuItem id="edit" className="menu-item"><Icon name="edit" small />{t('act.edit')}</MenuItem>
              <MenuItem id="rotate" className="menu-item"><Icon name="key" small />{t('webhooks.rotate')}</MenuItem>
              {on && <MenuItem id="switch" className="menu-item"><Icon name="offline" small />{t('webhooks.off')}</MenuItem>}
              <Separator className="menu-line" />
              <MenuItem id="remove" className="menu-item menu-danger"><Icon name="close" small />{t('act.delete')}</MenuItem>
            </Menu>
          </Popover>
        </MenuTrigger>
      </div>
    </li>
  );
}
