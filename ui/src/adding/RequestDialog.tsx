/** A new request for one customer. What its form asks for beside a summary and a description is asked in the portal. */
import { useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Form } from 'react-aria-components';
import { asProblem, errorAt, type ApiProblem } from '../api/problem';
import type { Customer } from '../api/types';
import { useServices } from '../app/services';
import { Button } from '../kit/Button';
import { DialogBox } from '../kit/Dialogs';
import { ChoiceInput, LongTextInput, TextInput } from '../kit/fields';
import { showFlag } from '../kit/flags';
import { HostLink } from '../kit/HostLink';
import { Icon } from '../kit/Icon';
import { ProblemNotice, Skeleton } from '../kit/Notice';
import { t } from '../messages';
import { LONGEST_LINE, LONGEST_TEXT, showProblem, useAgain, useProjectChoices } from './useAdding';

type Wrong = Partial<Record<'project' | 'type' | 'summary', string>>;

export function RequestDialog({ customer, onClose }: { customer: Pick<Customer, 'accountId' | 'displayName'>; onClose: () => void }) {
  const { calls, transport } = useServices();
  const again = useAgain();
  const projects = useProjectChoices();
  const [picked, setProject] = useState<string | null>(null);
  // One project needs no choosing.
  const project = picked ?? (projects.choices.length === 1 ? projects.choices[0]?.id ?? null : null);
  const [type, setType] = useState<string | null>(null);
  const [summary, setSummary] = useState('');
  const [description, setDescription] = useState('');
  const [wrong, setWrong] = useState<Wrong>({});
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [busy, setBusy] = useState(false);
  const types = useQuery({ queryKey: ['request-types', project], queryFn: () => calls.requestTypes(project ?? ''), enabled: project !== null });
  const form = useQuery({ queryKey: ['request-form', project, type], queryFn: () => calls.requestForm(project ?? '', type ?? ''), enabled: project !== null && type !== null });
  const elsewhere = (form.data?.missing.length ?? 0) > 0;

  const submit = async () => {
    const missing: Wrong = {};
    if (!project) missing.project = t('adding.request.project.missing');
    if (!type) missing.type = t('adding.request.type.missing');
    if (summary.trim() === '') missing.summary = t('adding.request.summary.missing');
    setWrong(missing);
    setProblem(null);
    if (!project || !type || missing.summary || elsewhere || busy) return;
    setBusy(true);
    try {
      const made = await calls.raiseRequest({ accountId: customer.accountId, projectId: project, requestTypeId: type, summary: summary.trim(), description: form.data?.described ? description : '' });
      const url = made.url;
      showFlag({ tone: 'success', text: t('adding.request.made', { key: made.issueKey }), action: url ? { label: t('adding.open'), run: () => transport.openTab(url) } : undefined });
      await again();
      onClose();
    } catch (error) {
      const failed = asProblem(error);
      const at = errorAt(failed, '/summary');
      if (at) setWrong({ summary: at });
      else setProblem(failed);
      setBusy(false);
    }
  };
  const addToProject = async () => {
    if (!project) return;
    try {
      await calls.addToProject(project, [customer.accountId]);
      setProblem(null);
      showFlag({ tone: 'success', text: t('adding.request.added') });
    } catch (error) {
      showProblem(error);
    }
  };
  return (
    <DialogBox title={t('adding.request')} subtitle={t('adding.request.for', { name: customer.displayName ?? customer.accountId })} onClose={onClose} dismissable={false}
      foot={<><Button kind="subtle" onPress={onClose}>{t('act.cancel')}</Button>{!elsewhere && <Button kind="primary" onPress={() => void submit()} isDisabled={busy}>{t(busy ? 'status.saving' : 'adding.request.create')}</Button>}</>}>
      {projects.pending ? <Skeleton rows={3} /> : (
        <Form className="form" onSubmit={(e) => { e.preventDefault(); void submit(); }}>
          {problem && <ProblemNotice error={problem} />}
          {problem?.code === 'jira_rejected' && <div><Button small icon="add" onPress={() => void addToProject()}>{t('adding.request.to.project')}</Button></div>}
          {projects.error && <ProblemNotice error={projects.error} />}
          <ChoiceInput label={t('adding.request.project')} required value={project} onChange={(v) => { setProject(v); setType(null); setWrong({}); setProblem(null); }} choices={projects.choices} error={wrong.project} autoFocus />
          {types.error && <ProblemNotice error={types.error} onRetry={() => void types.refetch()} />}
          {types.data?.length === 0 && <p className="control-help">{t('adding.request.type.none')}</p>}
          {types.isLoading && <Skeleton rows={1} />}
          {types.data && types.data.length > 0 && (
            <ChoiceInput label={t('adding.request.type')} required value={type} onChange={(v) => { setType(v); setWrong({ ...wrong, type: '' }); setProblem(null); }} error={wrong.type}
              choices={types.data.map((k) => ({ id: k.id, label: k.name, ...(k.description ? { detail: k.description } : {}) }))} />
          )}
          {elsewhere && (
            <div className="notice">
              <Icon name="info" small />
              <div>
                <p>{t('adding.request.more', { fields: form.data?.missing.join(', ') ?? '' })}</p>
                {form.data?.portalUrl && <HostLink href={form.data.portalUrl}>{t('adding.request.portal')}</HostLink>}
              </div>
            </div>
          )}
          {type && !elsewhere && !form.isLoading && (
            <>
              <TextInput label={t('adding.request.summary')} required value={summary} onChange={(v) => { setSummary(v); setWrong({ ...wrong, summary: '' }); }} error={wrong.summary} maxLength={LONGEST_LINE} />
              {form.data?.described !== false && <LongTextInput label={t('adding.request.description')} value={description} onChange={(v) => setDescription(v.slice(0, LONGEST_TEXT))} rows={5} />}
            </>
          )}
        </Form>
      )}
    </DialogBox>
  );
}
