/** Making a key for a customer's site; and, once, its secret. */
import { useState } from 'react';
import { Form } from 'react-aria-components';
import { asProblem, errorAt, type ApiProblem } from '../api/problem';
import type { NewCustomerKey } from '../api/types';
import { useReader } from '../app/reader';
import { useServices } from '../app/services';
import { Button } from '../kit/Button';
import { copyText } from '../kit/copy';
import { DialogBox } from '../kit/Dialogs';
import { ChoiceInput, LongTextInput, RadioInput, TextInput } from '../kit/fields';
import { Icon } from '../kit/Icon';
import { ProblemNotice } from '../kit/Notice';
import { t } from '../messages';
import { formatDate } from '../values/format';
import { endOf, LIVES } from './tokens';

const LONGEST_NAME = 100;
const LIFE_DEFAULT = 365;

type Wrong = Partial<Record<'name' | 'publicKey', string>>;

export function CustomerKeyDialog({ onMade, onClose }: { onMade: (key: NewCustomerKey) => void; onClose: () => void }) {
  const { calls } = useServices();
  const reader = useReader();
  const [now] = useState(() => new Date());
  const [name, setName] = useState('');
  const [kind, setKind] = useState('secret');
  const [publicKey, setPublicKey] = useState('');
  const [days, setDays] = useState(LIFE_DEFAULT);
  const [wrong, setWrong] = useState<Wrong>({});
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [busy, setBusy] = useState(false);
  const own = kind === 'public';

  const submit = async () => {
    const missing: Wrong = {};
    if (name.trim() === '') missing.name = t('signin.key.name.missing');
    if (own && publicKey.trim() === '') missing.publicKey = t('signin.public.missing');
    setWrong(missing);
    setProblem(null);
    if (missing.name || missing.publicKey || busy) return;
    setBusy(true);
    try {
      onMade(await calls.addCustomerKey({ name: name.trim(), publicKey: own ? publicKey.trim() : null, expiresInDays: days }));
    } catch (error) {
      const failed = asProblem(error);
      const atName = errorAt(failed, '/name');
      const atKey = errorAt(failed, '/publicKey');
      setWrong({ ...(atName ? { name: atName } : {}), ...(atKey ? { publicKey: atKey } : {}) });
      if (!atName && !atKey) setProblem(failed);
      setBusy(false);
    }
  };

  const day = (count: number) => formatDate(endOf(count, now).toISOString().slice(0, 10), reader);
  return (
    <DialogBox title={t('signin.add')} onClose={onClose} dismissable={false}
      foot={<><Button kind="subtle" onPress={onClose}>{t('act.cancel')}</Button><Button kind="primary" onPress={() => void submit()} isDisabled={busy}>{t(busy ? 'status.saving' : 'signin.create')}</Button></>}>
      <Form className="form" onSubmit={(e) => { e.preventDefault(); void submit(); }}>
        {problem && <ProblemNotice error={problem} />}
        <TextInput label={t('signin.key.name')} help={t('signin.key.name.help')} required value={name} onChange={(v) => { setName(v); setWrong({ ...wrong, name: '' }); }} error={wrong.name} maxLength={LONGEST_NAME} autoFocus />
        <RadioInput label={t('signin.kind')} value={kind} onChange={setKind}
          choices={[
            { id: 'secret', label: t('signin.kind.secret'), detail: t('signin.kind.secret.detail') },
            { id: 'public', label: t('signin.kind.public'), detail: t('signin.kind.public.detail') },
          ]} />
        {own && <LongTextInput label={t('signin.public')} help={t('signin.public.help')} required rows={6} value={publicKey} onChange={(v) => { setPublicKey(v); setWrong({ ...wrong, publicKey: '' }); }} error={wrong.publicKey} />}
        <ChoiceInput label={t('tokens.life')} value={String(days)} onChange={(v) => setDays(Number(v))}
          choices={LIVES.map((count) => ({ id: String(count), label: t('tokens.life.days', { count: String(count) }), detail: t('tokens.life.until', { date: day(count) }) }))} />
      </Form>
    </DialogBox>
  );
}

export function CustomerSecretDialog({ of, onClose }: { of: NewCustomerKey; onClose: () => void }) {
  const [copied, setCopied] = useState(false);
  return (
    <DialogBox title={t('signin.made')} subtitle={of.name} onClose={onClose} dismissable={false}
      foot={<Button kind={copied || !of.secret ? 'primary' : 'default'} onPress={onClose}>{t('signin.done')}</Button>}>
      <div className="form">
        {of.secret && (
          <>
            <p className="notice notice-warning"><Icon name="error" small /><span>{t('signin.once')}</span></p>
            <div className="secret">
              <code className="secret-text" dir="ltr" tabIndex={0} aria-label={t('signin.secret')}>{of.secret}</code>
              <Button kind="primary" icon={copied ? 'check' : 'copy'} autoFocus onPress={() => { void copyText(of.secret ?? '').then(setCopied); }}>{t(copied ? 'act.copied' : 'signin.secret.copy')}</Button>
            </div>
          </>
        )}
        <p className="control-help">{t('signin.kid')}</p>
        <div className="secret">
          <code className="secret-text" dir="ltr" tabIndex={0} aria-label={t('signin.kid')}>{of.kid}</code>
          <Button icon="copy" autoFocus={!of.secret} onPress={() => void copyText(of.kid)}>{t('signin.kid.copy')}</Button>
        </div>
      </div>
    </DialogBox>
  );
}
