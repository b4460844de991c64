/** What is to be done with each chosen record. Nothing is done here: a preview says first what would become of each. */
import { useState } from 'react';
import { Form } from 'react-aria-components';
import { useOrganizationSearch, useProjectChoices } from '../adding/useAdding';
import { asProblem, errorAt, type ApiProblem } from '../api/problem';
import { useFields } from '../api/queries';
import type { BulkChange, BulkChangeType, Entity, Value } from '../api/types';
import { href } from '../app/route';
import { useServices } from '../app/services';
import { useSettled } from '../customers/RecordTable';
import { Button } from '../kit/Button';
import { DialogBox } from '../kit/Dialogs';
import { ChoiceInput, SearchInput } from '../kit/fields';
import { ProblemNotice } from '../kit/Notice';
import { t, tn } from '../messages';
import { complaint, normalized } from '../values/check';
import { isEmpty } from '../values/format';
import { ValueInput } from '../values/ValueInput';
import { sent, type Selection } from './selection';

interface Props {
  entity: Entity;
  type: BulkChangeType;
  selection: Selection;
  count: number | null;
  onClose: () => void;
}

const PLACES = ['/change/value', '/change/fieldId', '/change/organizationId', '/change/projectId'];

const open = (hash: string): void => {
  window.location.hash = hash;
};

export function BulkDialog({ entity, type, selection, count, onClose }: Props) {
  const { calls } = useServices();
  const [fieldId, setFieldId] = useState<string | null>(null);
  const [value, setValue] = useState<Value>(null);
  const [organization, setOrganization] = useState<string | null>(null);
  const [text, setText] = useState('');
  const [project, setProject] = useState<string | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const fields = (useFields(entity).data ?? []).filter((f) => !f.retired);
  const field = fields.find((f) => f.id === fieldId) ?? null;

  const change = (): BulkChange | string => {
    switch (type) {
      case 'setValue': {
        if (!field) return t('bulk.field.missing');
        const wanted = normalized(value);
        return complaint(field, wanted) ?? { type, fieldId: field.id, value: wanted };
      }
      case 'addToProject': return project ? { type, projectId: project } : t('bulk.project.missing');
      default: return organization ? { type, organizationId: organization } : t('bulk.organization.missing');
    }
  };
  const submit = async () => {
    const wanted = change();
    setProblem(null);
    setWrong(typeof wanted === 'string' ? wanted : null);
    if (typeof wanted === 'string' || busy) return;
    setBusy(true);
    try {
      const begun = await calls.beginBulk(entity, { selection: sent(selection), change: wanted });
      onClose();
      open(href.bulk(entity, begun.id));
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  const again = () => {
    setProblem(null);
    setWrong(null);
  };
  const at = (pointer: string) => problem && errorAt(problem, pointer);
  const placed = PLACES.some(at);
  const clears = type === 'setValue' && field !== null && !field.required && isEmpty(normalized(value));
  return (
    <DialogBox title={t(`bulk.${type}`)} subtitle={count === null ? t('select.all.unknown') : tn(`bulk.of.${entity}`, count)} onClose={onClose} dismissable={false}
      foot={<><Button kind="subtle" onPress={onClose}>{t('act.cancel')}</Button><Button kind="primary" onPress={() => void submit()} isDisabled={busy}>{t(busy ? 'bulk.previewing' : 'bulk.preview')}</Button></>}>
      <Form className="form" onSubmit={(e) => { e.preventDefault(); void submit(); }}>
        <p className="page-intro">{t(`bulk.${type}.intro`)}</p>
        {problem && !placed && <ProblemNotice error={problem} />}
        {type === 'setValue' && (
          <ChoiceInput label={t('bulk.field')} required value={fieldId} error={at('/change/fieldId') ?? (field ? null : wrong)} autoFocus
            onChange={(id) => { again(); setFieldId(id); setValue(null); }} choices={fields.map((f) => ({ id: f.id, label: f.name, detail: t(`type.${f.type}`) }))} />
        )}
        {type === 'setValue' && field && (
          <ValueInput key={field.id} field={field} label={t('bulk.value')} required={field.required} value={value} error={at('/change/value') ?? wrong}
            help={clears ? t('bulk.clears') : field.help} onChange={(v) => { again(); setValue(v); }} />
        )}
        {(type === 'addToOrganization' || type === 'removeFromOrganization') && (
          <OrganizationInput value={organization} text={text} error={at('/change/organizationId') ?? wrong} onText={setText} onChange={(id) => { again(); setOrganization(id); }} />
        )}
        {type === 'addToProject' && <ProjectInput value={project} error={at('/change/projectId') ?? wrong} onChange={(id) => { again(); setProject(id); }} />}
      </Form>
    </DialogBox>
  );
}

function OrganizationInput({ value, text, error, onText, onChange }: { value: string | null; text: string; error: string | null; onText: (text: string) => void; onChange: (id: string | null) => void }) {
  const found = useOrganizationSearch(useSettled(text.trim()));
  return (
    <SearchInput label={t('bulk.organization')} required value={value} text={text} onText={onText} busy={found.busy} placeholder={t('adding.organization.choose')} found={found.choices} error={error} autoFocus
      onChange={(id) => { onChange(id); onText(found.choices.find((o) => o.id === id)?.label ?? ''); }} />
  );
}

function ProjectInput({ value, error, onChange }: { value: string | null; error: string | null; onChange: (id: string | null) => void }) {
  const projects = useProjectChoices();
  return <ChoiceInput label={t('bulk.project')} required value={value} error={error} onChange={onChange} choices={projects.choices} autoFocus />;
}
