/** Making an API token; and, once, its secret. */
import { useState } from 'react';
import { Form } from 'react-aria-components';
import { asProblem, errorAt, type ApiProblem } from '../api/problem';
import type { NewToken, TokenScope } from '../api/types';
import { useReader } from '../app/reader';
import { useServices } from '../app/services';
import { Button } from '../kit/Button';
import { copyText } from '../kit/copy';
import { DialogBox } from '../kit/Dialogs';
import { ChoiceInput, ManyChoicesInput, TextInput } from '../kit/fields';
import { Icon } from '../kit/Icon';
import { ProblemNotice } from '../kit/Notice';
import { t } from '../messages';
import { formatDate } from '../values/format';
import { endOf, LIFE_DEFAULT, LIVES, narrowed, TOKEN_SCOPES } from './tokens';

const LONGEST_NAME = 100;
/** What most scripts begin with; nothing that changes anything. */
const FIRST_SCOPES: TokenScope[] = ['customers:read', 'fields:read'];

type Wrong = Partial<Record<'name' | 'scopes', string>>;

export function TokenDialog({ onMade, onClose }: { onMade: (token: NewToken) => void; onClose: () => void }) {
  const { calls } = useServices();
  const reader = useReader();
  const [now] = useState(() => new Date());
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<TokenScope[]>(FIRST_SCOPES);
  const [days, setDays] = useState(LIFE_DEFAULT);
  const [wrong, setWrong] = useState<Wrong>({});
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async () => {
    const missing: Wrong = {};
    if (name.trim() === '') missing.name = t('tokens.name.missing');
    if (scopes.length === 0) missing.scopes = t('tokens.scopes.missing');
    setWrong(missing);
    setProblem(null);
    if (missing.name || missing.scopes || busy) return;
    setBusy(true);
    try {
      onMade(await calls.addToken({ name: name.trim(), scopes: narrowed(scopes), expiresInDays: days }));
    } catch (error) {
      const failed = asProblem(error);
      const atName = errorAt(failed, '/name');
      const atScopes = errorAt(failed, '/scopes');
      setWrong({ ...(atName ? { name: atName } : {}), ...(atScopes ? { scopes: atScopes } : {}) });
      if (!atName && !atScopes) setProblem(failed);
      setBusy(false);
    }
  };

  const day = (count: number) => formatDate(endOf(count, now).toISOString().slice(0, 10), reader);
  return (
    <DialogBox title={t('tokens.add')} onClose={onClose} dismissable={false}
      foot={<><Button kind="subtle" onPress={onClose}>{t('act.cancel')}</Button><Button kind="primary" onPress={() => void submit()} isDisabled={busy}>{t(busy ? 'status.saving' : 'tokens.create')}</Button></>}>
      <Form className="form" onSubmit={(e) => { e.preventDefault(); void submit(); }}>
        {problem && <ProblemNotice error={problem} />}
        <TextInput label={t('tokens.name')} help={t('tokens.name.help')} required value={name} onChange={(v) => { setName(v); setWrong({ ...wrong, name: '' }); }} error={wrong.name} maxLength={LONGEST_NAME} autoFocus />
        <ManyChoicesInput label={t('tokens.scopes')} required error={wrong.scopes} value={scopes}
          onChange={(chosen) => { setScopes(chosen as TokenScope[]); setWrong({ ...wrong, scopes: '' }); }}
          choices={TOKEN_SCOPES.map((id) => ({ id, label: id, detail: t(`tokens.scope.${id}`) }))} />
        <ChoiceInput label={t('tokens.life')} value={String(days)} onChange={(v) => setDays(Number(v))}
          choices={LIVES.map((count) => ({ id: String(count), label: t('tokens.life.days', { count: String(count) }), detail: t('tokens.life.until', { date: day(count) }) }))} />
      </Form>
    </DialogBox>
  );
}

export function SecretDialog({ token, onClose }: { token: NewToken; onClose: () => void }) {
  const [copied, setCopied] = useState(false);
  return (
    <DialogBox title={t('tokens.made')} subtitle={token.name} onClose={onClose} dismissable={false}
      foot={<Button kind={copied ? 'primary' : 'default'} onPress={onClose}>{t('tokens.done')}</Button>}>
      <div className="form">
        <p className="notice notice-warning"><Icon name="error" small /><span>{t('tokens.once')}</span></p>
        <div className="secret">
          <code className="secret-text" dir="ltr" tabIndex={0} aria-label={t('tokens.secret')}>{token.secret}</code>
          <Button kind="primary" icon={copied ? 'check' : 'copy'} autoFocus onPress={() => { void copyText(token.secret).then(setCopied); }}>{t(copied ? 'act.copied' : 'tokens.copy')}</Button>
        </div>
        <p className="control-help">{t('tokens.use')} <code dir="ltr">Authorization: Bearer stwa_…</code></p>
      </div>
    </DialogBox>
  );
}
