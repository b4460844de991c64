/** A new organization. */
import { useState } from 'react';
import { Form } from 'react-aria-components';
import { asProblem, errorAt, type ApiProblem } from '../api/problem';
import { href } from '../app/route';
import { useServices } from '../app/services';
import { Button } from '../kit/Button';
import { DialogBox } from '../kit/Dialogs';
import { ManyChoicesInput, TextInput } from '../kit/fields';
import { showFlag } from '../kit/flags';
import { ProblemNotice } from '../kit/Notice';
import { t } from '../messages';
import { LONGEST_LINE, useAgain, useProjectChoices } from './useAdding';

export function AddOrganizationDialog({ onClose }: { onClose: () => void }) {
  const { calls } = useServices();
  const again = useAgain();
  const projects = useProjectChoices();
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<string[]>([]);
  const [wrong, setWrong] = useState<string | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async () => {
    setWrong(name.trim() === '' ? t('adding.name.missing') : null);
    setProblem(null);
    if (name.trim() === '' || busy) return;
    setBusy(true);
    try {
      const made = await calls.addOrganization({ name: name.trim(), projectIds: chosen });
      const [first] = made.refused;
      showFlag({
        tone: first ? 'error' : 'success',
        text: first ? t('adding.partly', { name: name.trim(), reason: first.problem.detail ?? first.problem.title }) : t('adding.made', { name: name.trim() }),
        action: { label: t('adding.open'), run: () => { window.location.hash = href.organization(made.organizationId); } },
      });
      await again();
      onClose();
    } catch (error) {
      const failed = asProblem(error);
      const at = failed.code === 'name_in_use' ? t('adding.name.used') : errorAt(failed, '/name');
      setWrong(at);
      if (!at) setProblem(failed);
      setBusy(false);
    }
  };
  return (
    <DialogBox title={t('adding.organization')} onClose={onClose} dismissable={false}
      foot={<><Button kind="subtle" onPress={onClose}>{t('act.cancel')}</Button><Button kind="primary" onPress={() => void submit()} isDisabled={busy}>{t(busy ? 'status.saving' : 'adding.organization')}</Button></>}>
      <Form className="form" onSubmit={(e) => { e.preventDefault(); void submit(); }}>
        {problem && <ProblemNotice error={problem} />}
        <TextInput label={t('adding.name')} required value={name} onChange={(v) => { setName(v); setWrong(null); }} error={wrong} maxLength={LONGEST_LINE} autoFocus />
        {projects.choices.length > 0 && <ManyChoicesInput label={t('adding.projects')} help={t('adding.organization.projects.help')} value={chosen} onChange={setChosen} choices={projects.choices} />}
      </Form>
    </DialogBox>
  );
}
