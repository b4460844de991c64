/** Adding and changing one field. */
import { useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Form, Switch } from 'react-aria-components';
import { Controller, useForm, useWatch } from 'react-hook-form';
import { useReader } from '../app/reader';
import { useServices } from '../app/services';
import { asProblem, type ApiProblem } from '../api/problem';
import { keys } from '../api/queries';
import type { Entity, Field, FieldInput, FieldOption, Section } from '../api/types';
import { announce } from '../kit/announce';
import { Button } from '../kit/Button';
import { DialogBox } from '../kit/Dialogs';
import { ChoiceInput, LongTextInput, ManyChoicesInput, RadioInput, TextInput } from '../kit/fields';
import { ProblemNotice } from '../kit/Notice';
import { t } from '../messages';
import { complaint, normalized } from '../values/check';
import { countryChoices } from '../values/countries';
import { ValueInput } from '../values/ValueInput';
import { audiencesOf, FIELD_TYPES, hasOptions, inputOf } from './fieldInput';
import { OptionsEditor, type DraftOption } from './OptionsEditor';

interface Props {
  entity: Entity;
  /** null adds one. */
  field: Field | null;
  sectionId: string | null;
  sections: Section[];
  onClose: () => void;
  onSaved: () => Promise<unknown>;
}

type Draft = Omit<FieldInput, 'options' | 'help'> & { help: string; options: DraftOption[] };

const LONGEST_NAME = 100;

function draftOf(entity: Entity, field: Field | null, sectionId: string | null): Draft {
  if (!field) return { entity, type: 'text', name: '', help: '', sectionId, required: false, default: null, options: [], audience: 'agents', projects: [], country: null };
  const input = inputOf(field);
  return { ...input, help: input.help ?? '', options: field.options.map((o) => ({ ...o, key: o.id })) };
}

function toInput(draft: Draft): FieldInput {
  const options = hasOptions(draft.type) ? draft.options.map(({ id, label, retired }) => ({ ...(id ? { id } : {}), label: label.trim(), retired })) : [];
  // A default can only name an option that has an id already.
  return { ...draft, name: draft.name.trim(), help: draft.help.trim() || null, default: normalized(draft.default), options, country: draft.type === 'phone' ? draft.country : null };
}

/** `#/options/2/label` as the form's `options`, `#/name` as `name`. */
function formField(pointer: string): keyof Draft | null {
  const name = pointer.replace(/^#?\//, '').split('/')[0];
  return name && ['name', 'help', 'options', 'default', 'projects', 'sectionId', 'audience', 'type', 'required', 'country'].includes(name) ? (name as keyof Draft) : null;
}

/** Once the errors are drawn, the keyboard goes to the first of them. */
function toFirstError(): void {
  setTimeout(() => document.querySelector<HTMLElement>('.window [data-invalid] :is(input, textarea, button)')?.focus(), 0);
}

export function FieldDialog({ entity, field, sectionId, sections, onClose, onSaved }: Props) {
  const { calls } = useServices();
  const reader = useReader();
  const projects = useQuery({ queryKey: keys.projects, queryFn: () => calls.projects() });
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const form = useForm<Draft>({ defaultValues: draftOf(entity, field, sectionId) });
  const { control, setError, clearErrors, handleSubmit, formState } = form;
  const type = useWatch({ control, name: 'type' });
  const options = useWatch({ control, name: 'options' });
  const asOptions: FieldOption[] = options.flatMap((o) => (o.id ? [{ id: o.id, label: o.label, retired: o.retired }] : []));

  const checked = (draft: Draft): boolean => {
    let ok = true;
    const wrong = (name: keyof Draft, message: string) => {
      setError(name, { message });
      ok = false;
    };
    if (draft.name.trim() === '') wrong('name', t('editor.name.missing'));
    if (hasOptions(draft.type)) {
      if (draft.options.length === 0) wrong('options', t('editor.options.few'));
      else if (draft.options.some((o) => o.label.trim() === '')) wrong('options', t('editor.option.missing'));
    }
    const fallback = complaint({ type: draft.type, required: false, country: draft.country }, normalized(draft.default));
    if (fallback) wrong('default', fallback);
    return ok;
  };

  const submit = handleSubmit(async (draft) => {
    setProblem(null);
    clearErrors();
    if (!checked(draft)) {
      toFirstError();
      return;
    }
    try {
      const input = toInput(draft);
      if (field) await calls.setField(field.id, field.version, input);
      else await calls.addField(input);
      announce(t(field ? 'settings.field.saved' : 'settings.field.added', { name: input.name }));
      await onSaved();
      onClose();
    } catch (error) {
      const failed = asProblem(error);
      const placed = failed.errors.filter((e) => {
        const name = formField(e.pointer);
        if (name) setError(name, { message: e.detail });
        return name !== null;
      });
      if (placed.length === 0) setProblem(failed);
      else {
        announce(placed[0]?.detail ?? failed.title, 'assertive');
        toFirstError();
      }
    }
  });

  const error = (name: keyof Draft) => formState.errors[name]?.message as string | undefined;
  const busy = formState.isSubmitting;
  return (
    <DialogBox title={t(field ? 'editor.edit' : 'editor.add')} subtitle={field?.name} onClose={onClose} dismissable={false}
      foot={<><Button kind="subtle" onPress={onClose}>{t('act.cancel')}</Button><Button kind="primary" onPress={() => void submit()} isDisabled={busy}>{t(busy ? 'status.saving' : field ? 'act.save' : 'act.add')}</Button></>}>
      <Form className="form" onSubmit={(e) => { e.preventDefault(); void submit(); }}>
        {problem && <ProblemNotice error={problem} />}
        <Controller control={control} name="name" render={({ field: f }) => (
          <TextInput label={t('editor.name')} required value={f.value} onChange={(v) => { f.onChange(v); clearErrors('name'); }} error={error('name')} maxLength={LONGEST_NAME} autoFocus />
        )} />
        <div className="form-pair">
          <Controller control={control} name="type" render={({ field: f }) => (
            <ChoiceInput label={t('editor.type')} disabled={field !== null} help={field ? t('editor.type.fixed') : null} value={f.value} error={error('type')}
              onChange={(v) => { f.onChange(v); form.setValue('default', null); form.setValue('country', null); clearErrors(); }} choices={FIELD_TYPES.map((id) => ({ id, label: t(`type.${id}`) }))} />
          )} />
          <Controller control={control} name="sectionId" render={({ field: f }) => (
            <ChoiceInput label={t('editor.section')} none={t('settings.section.none')} value={f.value} onChange={f.onChange} error={error('sectionId')} choices={sections.map((s) => ({ id: s.id, label: s.name }))} />
          )} />
        </div>
        {type === 'phone' && (
          <Controller control={control} name="country" render={({ field: f }) => (
            <ChoiceInput label={t('editor.country')} help={t('editor.country.detail')} none={t('editor.country.none')} value={f.value} error={error('country')}
              onChange={(v) => { f.onChange(v); clearErrors(['country', 'default']); }} choices={countryChoices(reader.locale)} />
          )} />
        )}
        {hasOptions(type) && (
          <Controller control={control} name="options" render={({ field: f }) => (
            <OptionsEditor options={f.value} onChange={(v) => { f.onChange(v); clearErrors('options'); }} error={error('options')} />
          )} />
        )}
        <Controller control={control} name="help" render={({ field: f }) => (
          <LongTextInput label={t('editor.help')} help={t('editor.help.detail')} rows={2} value={f.value} onChange={f.onChange} error={error('help')} />
        )} />
        <Controller control={control} name="required" render={({ field: f }) => (
          <Switch className="switch" isSelected={f.value} onChange={f.onChange}>
            <span className="switch-track"><span className="switch-knob" /></span>
            <span className="choice-text">{t('editor.required')}<span className="choice-detail">{t('editor.required.detail')}</span></span>
          </Switch>
        )} />
        {(!hasOptions(type) || asOptions.length > 0) && (
          <Controller control={control} name="default" render={({ field: f }) => (
            <ValueInput field={{ type, options: asOptions.filter((o) => !o.retired), required: false }} label={t('editor.default')} help={t('editor.default.detail')} value={f.value} onChange={(v) => { f.onChange(v); clearErrors('default'); }} error={error('default')} />
          )} />
        )}
        <Controller control={control} name="audience" render={({ field: f }) => (
          <RadioInput label={t('editor.audience')} value={f.value} onChange={f.onChange} error={error('audience')}
            choices={audiencesOf(entity).map(({ id, label, detail }) => ({ id, label: t(label), detail: t(detail) }))} />
        )} />
        {(projects.data?.length ?? 0) > 0 && (
          <Controller control={control} name="projects" render={({ field: f }) => (
            <ManyChoicesInput label={t('editor.projects')} help={t('editor.projects.detail')} value={f.value} onChange={f.onChange} error={error('projects')}
              choices={(projects.data ?? []).map((p) => ({ id: p.id, label: p.name, detail: p.key }))} />
          )} />
        )}
        {/* Lets Enter in a text field submit; the visible button stands in the window's foot, outside the form. */}
        <button type="submit" hidden />
      </Form>
    </DialogBox>
  );
}
