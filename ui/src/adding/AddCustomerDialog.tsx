/** A new customer: Jira makes the account. */
import { useState } from 'react';
import { Form } from 'react-aria-components';
import { asProblem, errorAt, type ApiProblem } from '../api/problem';
import { href } from '../app/route';
import { useServices } from '../app/services';
import { useSettled } from '../customers/RecordTable';
import { Button } from '../kit/Button';
import { DialogBox } from '../kit/Dialogs';
import { ManyChoicesInput, SearchInput, TextInput } from '../kit/fields';
import { showFlag } from '../kit/flags';
import { ProblemNotice } from '../kit/Notice';
import { t } from '../messages';
import { LONGEST_LINE, useAgain, useOrganizationSearch, useProjectChoices } from './useAdding';

type Wrong = Partial<Record<'email' | 'name', string>>;

export function AddCustomerDialog({ onClose }: { onClose: () => void }) {
  const { calls } = useServices();
  const again = useAgain();
  const projects = useProjectChoices();
  const [email, setEmail] = useState('');
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<string[]>([]);
  const [organization, setOrganization] = useState<string | null>(null);
  const [text, setText] = useState('');
  const found = useOrganizationSearch(useSettled(text.trim()));
  const [wrong, setWrong] = useState<Wrong>({});
  const [used, setUsed] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async () => {
    const missing: Wrong = {};
    if (email.trim() === '') missing.email = t('adding.email.missing');
    if (name.trim() === '') missing.name = t('adding.name.missing');
    setWrong(missing);
    setProblem(null);
    setUsed(false);
    if (missing.email || missing.name || busy) return;
    setBusy(true);
    try {
      const made = await calls.addCustomer({ email: email.trim(), displayName: name.trim(), projectIds: chosen, organizationIds: organization ? [organization] : [] });
      const shown = made.customer.displayName ?? name.trim();
      const [first] = made.refused;
      showFlag({
        tone: first ? 'error' : 'success',
        text: first ? t('adding.partly', { name: shown, reason: first.problem.detail ?? first.problem.title }) : t('adding.made', { name: shown }),
        action: { label: t('adding.open'), run: () => { window.location.hash = href.customer(made.customer.accountId); } },
      });
      await again();
      onClose();
    } catch (error) {
      const failed = asProblem(error);
      const at: Wrong = {};
      const atEmail = errorAt(failed, '/email');
      const atName = errorAt(failed, '/displayName');
      if (atEmail) at.email = atEmail;
      if (atName) at.name = atName;
      if (failed.code === 'email_in_use') {
        at.email = t('adding.email.used');
        setUsed(true);
      }
      setWrong(at);
      if (!at.email && !at.name) setProblem(failed);
      setBusy(false);
    }
  };
  const showWho = () => {
    window.location.hash = href.list('customer', { query: `email = "${email.trim().replaceAll(/["\\]/g, '')}"` });
    onClose();
  };
  return (
    <DialogBox title={t('adding.customer')} onClose={onClose} dismissable={false}
      foot={<><Button kind="subtle" onPress={onClose}>{t('act.cancel')}</Button><Button kind="primary" onPress={() => void submit()} isDisabled={busy}>{t(busy ? 'status.saving' : 'adding.customer')}</Button></>}>
      <Form className="form" onSubmit={(e) => { e.preventDefault(); void submit(); }}>
        <p className="page-intro">{t('adding.customer.intro')}</p>
        {problem && <ProblemNotice error={problem} />}
        <TextInput label={t('adding.name')} required value={name} onChange={(v) => { setName(v); setWrong({ ...wrong, name: '' }); }} error={wrong.name} maxLength={LONGEST_LINE} autoFocus />
        <TextInput label={t('adding.email')} type="email" required value={email} onChange={(v) => { setEmail(v); setWrong({ ...wrong, email: '' }); setUsed(false); }} error={wrong.email} maxLength={LONGEST_LINE} />
        {used && <div><Button small icon="search" onPress={showWho}>{t('adding.email.who')}</Button></div>}
        <SearchInput label={t('adding.organization.of')} value={organization} text={text} onText={setText} busy={found.busy} placeholder={t('adding.organization.choose')} found={found.choices}
          onChange={(id) => { setOrganization(id); setText(found.choices.find((o) => o.id === id)?.label ?? ''); }} />
        {projects.choices.length > 0 && <ManyChoicesInput label={t('adding.projects')} help={t('adding.projects.help')} value={chosen} onChange={setChosen} choices={projects.choices} />}
      </Form>
    </DialogBox>
  );
}
