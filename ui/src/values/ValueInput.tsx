/** The control for a field's type. Values go in and out in the API's form. */
import { useEffect, useState } from 'react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { parseAbsolute, parseDate, toZoned, type DateValue } from '@internationalized/date';
import { useReader } from '../app/reader';
import { useServices } from '../app/services';
import { usePersonName } from '../api/queries';
import type { Field, FieldType, Value } from '../api/types';
import { numberText, parseNumber } from './number';
import {
  ChoiceInput, DayInput, LongTextInput, ManyChoicesInput, NumberInput, RadioInput, SearchInput, TextInput, type Choice, type ControlProps,
} from '../kit/fields';
import { t } from '../messages';

export type ValueField = Pick<Field, 'type' | 'options' | 'required'>;

interface Props extends ControlProps {
  field: ValueField;
  value: Value;
  onChange: (value: Value) => void;
  /** Given where choosing is saving, as for a single choice in place. */
  onChoose?: ((value: Value) => void) | undefined;
  onClose?: (() => void) | undefined;
}

/** Long enough that a search does not start with every letter. */
const SEARCH_WAIT_MS = 200;

const TEXT_TYPES: Partial<Record<FieldType, 'text' | 'email' | 'url' | 'tel'>> = { text: 'text', email: 'email', url: 'url', phone: 'tel' };

function parsedDate(value: Value): DateValue | null {
  try {
    return typeof value === 'string' ? parseDate(value) : null;
  } catch {
    return null;
  }
}

function parsedInstant(value: Value, timeZone: string): DateValue | null {
  try {
    return typeof value === 'string' ? parseAbsolute(value, timeZone) : null;
  } catch {
    return null;
  }
}

/** Options as choices: retired ones only where they are held, to be seen and to be let go, not to be taken. */
export function optionChoices(field: ValueField, held: readonly string[]): Choice[] {
  return field.options
    .filter((o) => !o.retired || held.includes(o.id))
    .map((o) => ({ id: o.id, label: o.label, ...(o.retired ? { detail: t('value.retired'), off: true } : {}) }));
}

export function ValueInput({ field, value, onChange, onChoose, onClose, ...c }: Props) {
  const reader = useReader();
  const textType = TEXT_TYPES[field.type];
  if (textType) return <TextInput {...c} type={textType} value={typeof value === 'string' ? value : ''} onChange={onChange} />;
  switch (field.type) {
    case 'longText':
      return <LongTextInput {...c} value={typeof value === 'string' ? value : ''} onChange={onChange} />;
    case 'number':
      return <NumberInput {...c} value={typeof value === 'number' ? value : null} onChange={onChange} parse={(text) => parseNumber(text, reader.locale)} format={(n) => numberText(n, reader.locale)} />;
    case 'date':
      return <DayInput {...c} granularity="day" value={parsedDate(value)} onChange={(d) => onChange(d ? d.toString().slice(0, 10) : null)} />;
    case 'dateTime':
      // A date chosen anew carries no zone: it is meant in the reader's.
      return (
        <DayInput {...c} granularity="minute" value={parsedInstant(value, reader.timeZone)}
          onChange={(d) => onChange(d ? toZoned(d, reader.timeZone).toAbsoluteString() : null)} />
      );
    case 'boolean': {
      const choices = [{ id: 'true', label: t('value.yes') }, { id: 'false', label: t('value.no') }, ...(field.required ? [] : [{ id: 'null', label: t('field.unset') }])];
      return <RadioInput {...c} inline value={String(value)} onChange={(v) => onChange(v === 'null' ? null : v === 'true')} choices={choices} />;
    }
    case 'select': {
      const held = typeof value === 'string' ? value : null;
      return (
        <ChoiceInput {...c} value={held} onChange={(v) => (onChoose ?? onChange)(v)} choices={optionChoices(field, held ? [held] : [])}
          none={field.required ? undefined : t('value.none')} open={Boolean(onChoose)} {...(onChoose && onClose ? { onOpenChange: (open: boolean) => !open && onClose() } : {})} />
      );
    }
    case 'multiSelect': {
      const held = Array.isArray(value) ? value : [];
      return <ManyChoicesInput {...c} value={held} onChange={onChange} choices={optionChoices(field, held)} />;
    }
    default:
      return <PersonInput {...c} value={typeof value === 'string' ? value : null} onChange={onChoose ?? onChange} />;
  }
}

function PersonInput({ value, onChange, ...c }: ControlProps & { value: string | null; onChange: (value: Value) => void }) {
  const { calls } = useServices();
  const known = usePersonName(value);
  const [text, setText] = useState<string | null>(null);
  const shown = text ?? known ?? '';
  const [query, setQuery] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => setQuery(text ?? ''), SEARCH_WAIT_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const found = useQuery({ queryKey: ['users', query], queryFn: () => calls.users(query), placeholderData: keepPreviousData });
  const choices = (found.data?.items ?? []).map((u) => ({ id: u.accountId, label: u.displayName }));
  return (
    <SearchInput {...c} value={value} text={shown} onText={setText} busy={found.isFetching} placeholder={t('field.choose.person')} found={choices}
      onChange={(id) => {
        setText(found.data?.items.find((u) => u.accountId === id)?.displayName ?? '');
        onChange(id);
      }} />
  );
}
