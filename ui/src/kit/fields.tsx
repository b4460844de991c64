/** Form controls with label, help and error, on react-aria-components. They know nothing of the API. */
import { useMemo, useState, type ReactNode } from 'react';
import {
  Button as AriaButton, Calendar, CalendarCell, CalendarGrid, CalendarGridBody, CalendarGridHeader, CalendarHeaderCell, Checkbox, CheckboxGroup,
  ComboBox, DateInput, DatePicker, DateSegment, Dialog, FieldError, Group, Heading, Input, Label, ListBox, ListBoxItem,
  Popover, Radio, RadioGroup, SearchField, Select, SelectValue, Text, TextArea, TextField, type DateValue,
} from 'react-aria-components';
import { t, tn } from '../messages';
import { Icon } from './Icon';

export interface ControlProps {
  label: string;
  required?: boolean | undefined;
  help?: string | null | undefined;
  error?: string | null | undefined;
  autoFocus?: boolean | undefined;
  disabled?: boolean | undefined;
}

export interface Choice {
  id: string;
  label: string;
  detail?: string | undefined;
  /** Not to be chosen anew, for example retired. */
  off?: boolean | undefined;
}

/** From this many choices on, a filter helps more than it hinders. */
const FILTER_FROM = 9;
const NONE = '';

export function FieldLabel({ label, required }: Pick<ControlProps, 'label' | 'required'>) {
  return (
    <>
      <bdi>{label}</bdi>
      {required && <span className="required"><span aria-hidden="true"> *</span><span className="visually-hidden"> ({t('field.required')})</span></span>}
    </>
  );
}

function Foot({ help, error }: Pick<ControlProps, 'help' | 'error'>) {
  return (
    <>
      {help && <Text slot="description" className="control-help"><span dir="auto">{help}</span></Text>}
      <FieldError className="control-error">{error ? <><Icon name="error" small />{error}</> : null}</FieldError>
    </>
  );
}

/** The props that every control passes on. */
function base({ error, autoFocus, disabled }: ControlProps) {
  return { className: 'control', isInvalid: Boolean(error), validationBehavior: 'aria' as const, autoFocus: autoFocus ?? false, isDisabled: disabled ?? false };
}

export function TextInput({ value, onChange, type = 'text', maxLength, ...c }: ControlProps & { value: string; onChange: (v: string) => void; type?: 'text' | 'email' | 'url' | 'tel'; maxLength?: number }) {
  return (
    <TextField {...base(c)} value={value} onChange={onChange} type={type} {...(maxLength ? { maxLength } : {})} autoComplete="off">
      <Label className="control-label"><FieldLabel {...c} /></Label>
      <Input className="input" dir={type === 'text' ? 'auto' : 'ltr'} />
      <Foot {...c} />
    </TextField>
  );
}

export function LongTextInput({ value, onChange, rows = 4, ...c }: ControlProps & { value: string; onChange: (v: string) => void; rows?: number }) {
  return (
    <TextField {...base(c)} value={value} onChange={onChange}>
      <Label className="control-label"><FieldLabel {...c} /></Label>
      <TextArea className="input" rows={rows} dir="auto" />
      <Foot {...c} />
    </TextField>
  );
}

/** A number as text: `parse` and `format` say how it is read and written. What is no number goes up as NaN. */
export function NumberInput({ value, onChange, parse, format, ...c }: ControlProps & {
  value: number | null; onChange: (v: number | null) => void; parse: (text: string) => number | null; format: (value: number) => string;
}) {
  const [text, setText] = useState(() => (value === null || Number.isNaN(value) ? '' : format(value)));
  return (
    <TextField {...base(c)} value={text} onChange={(typed) => { setText(typed); onChange(parse(typed)); }} inputMode="decimal" autoComplete="off">
      <Label className="control-label"><FieldLabel {...c} /></Label>
      <Input className="input" dir="ltr" />
      <Foot {...c} />
    </TextField>
  );
}

export function DayInput<D extends DateValue>({ value, onChange, granularity, ...c }: ControlProps & { value: D | null; onChange: (v: DateValue | null) => void; granularity: 'day' | 'minute' }) {
  return (
    <DatePicker {...base(c)} value={value as DateValue | null} onChange={onChange} granularity={granularity} shouldForceLeadingZeros hideTimeZone>
      <Label className="control-label"><FieldLabel {...c} /></Label>
      <Group className="input input-group">
        <DateInput className="date-segments">{(segment) => <DateSegment segment={segment} className="date-segment" />}</DateInput>
        <AriaButton className="icon-button button-subtle"><Icon name="chevron" /></AriaButton>
      </Group>
      <Foot {...c} />
      <Popover className="popover">
        <Dialog className="calendar-dialog">
          <Calendar className="calendar">
            <header>
              <AriaButton slot="previous" className="icon-button button-subtle flip"><Icon name="back" /></AriaButton>
              <Heading />
              <AriaButton slot="next" className="icon-button button-subtle flip turn"><Icon name="back" /></AriaButton>
            </header>
            <CalendarGrid weekdayStyle="short">
              <CalendarGridHeader>{(day) => <CalendarHeaderCell>{day}</CalendarHeaderCell>}</CalendarGridHeader>
              <CalendarGridBody>{(date) => <CalendarCell date={date} className="calendar-cell" />}</CalendarGridBody>
            </CalendarGrid>
          </Calendar>
        </Dialog>
      </Popover>
    </DatePicker>
  );
}

function ChoiceText({ choice }: { choice: Choice }) {
  return (
    <span className="choice-text">
      <bdi>{choice.label}</bdi>
      {choice.detail && <span className="choice-detail">{choice.detail}</span>}
    </span>
  );
}

/** One of several. With `none`, the empty choice is offered first. `open` shows the list at once. */
export function ChoiceInput({ value, onChange, choices, none, open = false, onOpenChange, ...c }: ControlProps & {
  value: string | null; onChange: (v: string | null) => void; choices: Choice[]; none?: string | undefined; open?: boolean; onOpenChange?: (open: boolean) => void;
}) {
  const items = none === undefined ? choices : [{ id: NONE, label: none }, ...choices];
  const chosen = items.find((i) => i.id === (value ?? NONE));
  return (
    <Select {...base(c)} value={value ?? (none === undefined ? null : NONE)} onChange={(key) => onChange(key === null || key === NONE ? null : String(key))} defaultOpen={open} {...(onOpenChange ? { onOpenChange } : {})} placeholder={t('field.choose')}>
      <Label className="control-label"><FieldLabel {...c} /></Label>
      <AriaButton className="input select-button">
        <SelectValue className="select-value">{({ isPlaceholder, defaultChildren }) => (isPlaceholder || !chosen ? defaultChildren : <><bdi>{chosen.label}</bdi>{chosen.detail && <span className="choice-detail"> {chosen.detail}</span>}</>)}</SelectValue>
        <Icon name="chevron" small />
      </AriaButton>
      <Foot {...c} />
      <Popover className="popover popover-list" offset={4}>
        <ListBox className="list" items={items} disabledKeys={items.filter((i) => i.off).map((i) => i.id)}>
          {(item) => (
            <ListBoxItem id={item.id} textValue={item.label} className="list-item">
              {({ isSelected }) => (<><ChoiceText choice={item} />{isSelected && <Icon name="check" small />}</>)}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </Select>
  );
}

/** Several of several, all in sight; with a filter when they are many. */
export function ManyChoicesInput({ value, onChange, choices, ...c }: ControlProps & { value: string[]; onChange: (v: string[]) => void; choices: Choice[] }) {
  const [filter, setFilter] = useState('');
  const shown = useMemo(() => {
    const wanted = filter.trim().toLocaleLowerCase();
    return choices.filter((o) => o.label.toLocaleLowerCase().includes(wanted));
  }, [choices, filter]);
  return (
    <CheckboxGroup className="control" value={value} onChange={onChange} isInvalid={Boolean(c.error)} validationBehavior="aria" isDisabled={c.disabled ?? false}>
      <Label className="control-label"><FieldLabel {...c} /></Label>
      {choices.length >= FILTER_FROM && (
        <SearchField className="filter" aria-label={t('field.filter')} value={filter} onChange={setFilter} autoFocus={c.autoFocus ?? false}>
          <Icon name="search" small />
          <Input className="input" placeholder={t('field.filter')} />
        </SearchField>
      )}
      <div className="input check-list">
        {shown.map((o, i) => (
          <Checkbox key={o.id} value={o.id} className="checkbox" isDisabled={Boolean(o.off) && !value.includes(o.id)} autoFocus={(c.autoFocus ?? false) && i === 0 && choices.length < FILTER_FROM}>
            <span className="checkbox-box"><Icon name="check" small /></span>
            <ChoiceText choice={o} />
          </Checkbox>
        ))}
        {shown.length === 0 && <p className="check-none">{t('field.nomatch')}</p>}
      </div>
      {value.length > 0 && <p className="control-help" aria-live="polite">{tn('field.chosen', value.length)}</p>}
      <Foot {...c} />
    </CheckboxGroup>
  );
}

/** Few choices side by side or below each other, with room for a sentence each. */
export function RadioInput({ value, onChange, choices, inline = false, ...c }: ControlProps & { value: string; onChange: (v: string) => void; choices: Choice[]; inline?: boolean }) {
  return (
    <RadioGroup className="control" value={value} onChange={onChange} isInvalid={Boolean(c.error)} validationBehavior="aria">
      <Label className="control-label"><FieldLabel {...c} /></Label>
      <div className={inline ? 'radios radios-inline' : 'radios'}>
        {choices.map((o) => (
          <Radio key={o.id} value={o.id} className="radio" autoFocus={(c.autoFocus ?? false) && o.id === value}>
            <span className="radio-dot" />
            <ChoiceText choice={o} />
          </Radio>
        ))}
      </div>
      <Foot {...c} />
    </RadioGroup>
  );
}

/** Choosing from what a search finds. `found` is kept by the caller, who also does the search. */
export function SearchInput({ value, text, onText, onChange, found, busy, placeholder, ...c }: ControlProps & {
  value: string | null; text: string; onText: (text: string) => void; onChange: (id: string | null) => void; found: Choice[]; busy: boolean; placeholder: string;
}) {
  const empty: ReactNode = <p className="list-none">{busy ? t('app.loading') : t('field.nomatch')}</p>;
  return (
    <ComboBox {...base(c)} items={found} value={value} inputValue={text} onInputChange={onText} onChange={(key) => onChange(key === null ? null : String(key))} allowsEmptyCollection menuTrigger="focus">
      <Label className="control-label"><FieldLabel {...c} /></Label>
      <Group className="input input-group">
        <Input className="bare-input" dir="auto" placeholder={placeholder} />
        <AriaButton className="icon-button button-subtle"><Icon name="chevron" /></AriaButton>
      </Group>
      <Foot {...c} />
      <Popover className="popover popover-list" offset={4}>
        <ListBox<Choice> className="list" renderEmptyState={() => empty}>
          {(item) => <ListBoxItem id={item.id} textValue={item.label} className="list-item"><ChoiceText choice={item} /></ListBoxItem>}
        </ListBox>
      </Popover>
    </ComboBox>
  );
}
