/** Naming a receiver of webhooks, or changing one; and, once, its secret. */
import { useState } from 'react';
import { Checkbox, Form } from 'react-aria-components';
import { asProblem, errorAt, type ApiProblem } from '../api/problem';
import type { NewWebhook, Webhook, WebhookEvent } from '../api/types';
import { useServices } from '../app/services';
import { Button } from '../kit/Button';
import { copyText } from '../kit/copy';
import { DialogBox } from '../kit/Dialogs';
import { ManyChoicesInput, TextInput } from '../kit/fields';
import { Icon } from '../kit/Icon';
import { ProblemNotice } from '../kit/Notice';
import { t } from '../messages';
import { WEBHOOK_EVENTS } from './webhooks';

const LONGEST_NAME = 100;
const LONGEST_URL = 2000;

type Wrong = Partial<Record<'name' | 'url' | 'events', string>>;

interface Props {
  /** The one that is changed; a new one without. */
  webhook: Webhook | null;
  onMade: (webhook: NewWebhook) => void;
  onSaved: (webhook: Webhook) => void;
  onClose: () => void;
}

export function WebhookDialog({ webhook, onMade, onSaved, onClose }: Props) {
  const { calls } = useServices();
  const [name, setName] = useState(webhook?.name ?? '');
  const [url, setUrl] = useState(webhook?.url ?? '');
  const [events, setEvents] = useState<WebhookEvent[]>(webhook?.events ?? [...WEBHOOK_EVENTS]);
  const [includeValues, setIncludeValues] = useState(webhook?.includeValues ?? false);
  const [wrong, setWrong] = useState<Wrong>({});
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async () => {
    const missing: Wrong = {};
    if (name.trim() === '') missing.name = t('webhooks.name.missing');
    if (!/^https?:\/\/./.test(url.trim())) missing.url = t('webhooks.url.missing');
    if (events.length === 0) missing.events = t('webhooks.events.missing');
    setWrong(missing);
    setProblem(null);
    if (missing.name || missing.url || missing.events || busy) return;
    setBusy(true);
    const body = { name: name.trim(), url: url.trim(), events, includeValues, active: webhook === null || webhook.state === 'on' };
    try {
      if (webhook) onSaved(await calls.setWebhook(webhook, body));
      else onMade(await calls.addWebhook(body));
    } catch (error) {
      const failed = asProblem(error);
      const told = (['name', 'url', 'events'] as const).map((key) => [key, errorAt(failed, `/${key}`)] as const).filter(([, text]) => text);
      setWrong(Object.fromEntries(told));
      if (told.length === 0) setProblem(failed);
      setBusy(false);
    }
  };

  return (
    <DialogBox title={t(webhook ? 'webhooks.edit' : 'webhooks.add')} onClose={onClose} dismissable={false}
      foot={<><Button kind="subtle" onPress={onClose}>{t('act.cancel')}</Button><Button kind="primary" onPress={() => void submit()} isDisabled={busy}>{t(busy ? 'status.saving' : webhook ? 'act.save' : 'webhooks.create')}</Button></>}>
      <Form className="form token-form" onSubmit={(e) => { e.preventDefault(); void submit(); }}>
        {problem && <ProblemNotice error={problem} />}
        <TextInput label={t('webhooks.name')} required value={name} onChange={(v) => { setName(v); setWrong({ ...wrong, name: '' }); }} error={wrong.name} maxLength={LONGEST_NAME} autoFocus />
        <TextInput label={t('webhooks.url')} help={t('webhooks.url.help')} required type="url" value={url} onChange={(v) => { setUrl(v); setWrong({ ...wrong, url: '' }); }} error={wrong.url} maxLength={LONGEST_URL} />
        <ManyChoicesInput label={t('webhooks.events')} required error={wrong.events} value={events}
          onChange={(chosen) => { setEvents(WEBHOOK_EVENTS.filter((e) => chosen.includes(e))); setWrong({ ...wrong, events: '' }); }}
          choices={WEBHOOK_EVENTS.map((id) => ({ id, label: id, detail: t(`webhooks.event.${id}`) }))} />
        <Checkbox className="checkbox" isSelected={includeValues} onChange={setIncludeValues}>
          <span className="checkbox-box"><Icon name="check" small /></span>
          <span className="choice-text"><span>{t('webhooks.values')}</span><span className="choice-detail">{t('webhooks.values.detail')}</span></span>
        </Checkbox>
      </Form>
    </DialogBox>
  );
}

export function WebhookSecretDialog({ webhook, onClose }: { webhook: NewWebhook; onClose: () => void }) {
  const [copied, setCopied] = useState(false);
  return (
    <DialogBox title={t('webhooks.secret')} subtitle={webhook.name} onClose={onClose} dismissable={false}
      foot={<Button kind={copied ? 'primary' : 'default'} onPress={onClose}>{t('tokens.done')}</Button>}>
      <div className="form">
        <p className="notice notice-warning"><Icon name="error" small /><span>{t('webhooks.secret.once')}</span></p>
        <div className="secret">
          <code className="secret-text" dir="ltr" tabIndex={0} aria-label={t('webhooks.secret')}>{webhook.secret}</code>
          <Button kind="primary" icon={copied ? 'check' : 'copy'} autoFocus onPress={() => { void copyText(webhook.secret).then(setCopied); }}>{t(copied ? 'act.copied' : 'webhooks.secret.copy')}</Button>
        </div>
        <p className="control-help">{t('webhooks.secret.use')}</p>
      </div>
    </DialogBox>
  );
}
