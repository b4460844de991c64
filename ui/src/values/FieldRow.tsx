/** One field with its value: read, edited in place, and told about. */
import { useEffect, useId, useRef, type KeyboardEvent, type MouseEvent } from 'react';
import { Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components';
import { useReader } from '../app/reader';
import { usePersonName } from '../api/queries';
import type { Field, FieldValue, Subject, Value } from '../api/types';
import { Button, IconButton } from '../kit/Button';
import { copyText } from '../kit/copy';
import { FieldLabel } from '../kit/fields';
import { Icon } from '../kit/Icon';
import { ProblemNotice } from '../kit/Notice';
import { t } from '../messages';
import { ConflictNotice } from './ConflictNotice';
import { isEmpty, plainText } from './format';
import { useFieldEdit, type FieldEdit } from './useFieldEdit';
import { ValueInput } from './ValueInput';
import { ValueView } from './ValueView';

interface Props {
  subject: Subject;
  field: Field;
  held: FieldValue | undefined;
  editable: boolean;
  onHistory?: ((field: Field) => void) | undefined;
}

/** Types for which choosing is saving: there is nothing more to say than the choice. */
const CHOOSING = new Set<Field['type']>(['select', 'user']);
const MAC = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.platform);

export function FieldRow({ subject, field, held, editable, onHistory }: Props) {
  const row = useRef<HTMLDivElement>(null);
  const edit = useFieldEdit(subject, field, held, row);
  const value = held ? held.value : (field.default ?? null);
  const labelId = useId();
  // The keyboard comes back to where it was when editing ends.
  const wasEditing = useRef(false);
  const isEditing = edit.editing !== null;
  useEffect(() => {
    if (wasEditing.current && !isEditing && !edit.conflict) row.current?.querySelector<HTMLElement>('[data-edit]')?.focus();
    wasEditing.current = isEditing;
  }, [isEditing, edit.conflict]);

  return (
    <div ref={row} className="field" data-field={field.id} data-state={edit.conflict ? 'conflict' : isEditing ? 'edit' : edit.pending ? 'saving' : 'view'}
      role="group" aria-labelledby={labelId}>
      {isEditing ? (
        <>
          <span id={labelId} className="visually-hidden">{field.name}</span>
          <Editor field={field} edit={edit} />
        </>
      ) : (
        <>
          <div className="field-label" id={labelId}><FieldLabel label={field.name} required={field.required && editable} /></div>
          <ReadValue field={field} value={value} isDefault={!held && !isEmpty(value)} editable={editable} edit={edit} onHistory={onHistory} />
        </>
      )}
      {edit.conflict && <ConflictNotice field={field} conflict={edit.conflict} onKeep={edit.keepTheirs} onWrite={edit.writeMine} />}
      <Progress edit={edit} />
    </div>
  );
}

function ReadValue({ field, value, isDefault, editable, edit, onHistory }: Pick<Props, 'field' | 'editable' | 'onHistory'> & { value: Value; isDefault: boolean; edit: FieldEdit }) {
  const startByMouse = (event: MouseEvent) => {
    const target = event.target as HTMLElement;
    // Following a link and selecting text are not asking to edit.
    if (!editable || target.closest('a,button') || (window.getSelection()?.toString() ?? '') !== '') return;
    edit.begin();
  };
  return (
    <div className={editable ? 'field-value field-editable' : 'field-value'} onClick={startByMouse}>
      <div className="field-content">
        <ValueView field={field} value={value} />
        {isDefault && <span className="value-default"> {t('value.default')}</span>}
      </div>
      <div className="field-actions">
        {editable && <IconButton icon="edit" label={t('field.edit', { field: field.name })} onPress={edit.begin} tooltip={false} {...{ 'data-edit': '' }} />}
        <RowMenu field={field} value={value} editable={editable} edit={edit} onHistory={onHistory} />
      </div>
    </div>
  );
}

function RowMenu({ field, value, editable, edit, onHistory }: Pick<Props, 'field' | 'editable' | 'onHistory'> & { value: Value; edit: FieldEdit }) {
  const reader = useReader();
  const name = usePersonName(field.type === 'user' && typeof value === 'string' ? value : null);
  const filled = !isEmpty(value);
  if (!filled && !onHistory) return null;
  const clear = () => {
    edit.begin();
    edit.change(null);
  };
  return (
    <MenuTrigger>
      <IconButton icon="more" label={t('field.actions', { field: field.name })} tooltip={false} />
      <Popover className="popover" placement="bottom end">
        <Menu className="menu" onAction={(key) => {
          if (key === 'copy') void copyText(plainText(field, value, reader, () => name));
          if (key === 'history') onHistory?.(field);
          if (key === 'clear') clear();
        }}>
          {filled && <MenuItem id="copy" className="menu-item"><Icon name="copy" small />{t('act.copy')}</MenuItem>}
          {onHistory && <MenuItem id="history" className="menu-item"><Icon name="history" small />{t('field.history')}</MenuItem>}
          {editable && filled && !field.required && <MenuItem id="clear" className="menu-item"><Icon name="close" small />{t('act.clear')}</MenuItem>}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}

/** What stands in the place of a value while it is edited. */
export function Editor({ field, edit }: { field: Field; edit: FieldEdit }) {
  const editing = edit.editing;
  const chooses = CHOOSING.has(field.type);
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const target = event.target as HTMLElement;
    const inPopover = !event.currentTarget.contains(target);
    if (inPopover || event.nativeEvent.isComposing) return;
    if (event.key === 'Escape' && target.getAttribute('aria-expanded') !== 'true') {
      event.preventDefault();
      event.stopPropagation();
      edit.cancel();
    }
    if (event.key !== 'Enter' || target.closest('button') || target.getAttribute('role') === 'combobox') return;
    if (field.type === 'longText' && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    setTimeout(() => submit.current(), 0);
  };
  const submit = useRef(() => edit.submit());
  useEffect(() => {
    submit.current = () => edit.submit();
  });
  if (!editing) return null;
  // After a failure the choice stands there to be corrected or sent again, and does not open by itself.
  const failed = editing.error !== null || editing.problem !== null;
  const hint = field.type === 'longText' ? (MAC ? 'field.save.hint.long.mac' : 'field.save.hint.long') : 'field.save.hint';
  return (
    <div className="field-editor" onKeyDownCapture={onKeyDown}>
      <ValueInput field={field} label={field.name} required={field.required} help={field.help} error={editing.error} autoFocus
        value={editing.draft} onChange={edit.change}
        onChoose={chooses && !failed ? (v) => edit.submit(v) : undefined} onClose={edit.cancel} />
      {editing.problem && <ProblemNotice error={editing.problem} onRetry={edit.submit.bind(null, undefined)} />}
      <div className="field-editor-foot">
        <Button kind="primary" small onPress={() => edit.submit()} isDisabled={edit.pending}>{t('act.save')}</Button>
        <Button kind="subtle" small onPress={edit.cancel}>{t('act.cancel')}</Button>
        {!chooses && <span className="field-hint">{t(hint)}</span>}
      </div>
    </div>
  );
}

function Progress({ edit }: { edit: FieldEdit }) {
  if (edit.waiting) return <p className="field-progress"><Icon name="offline" small />{t('status.waiting')}</p>;
  if (edit.pending) return <p className="field-progress"><span className="spinner" aria-hidden="true" />{t('status.saving')}</p>;
  if (!edit.saved) return null;
  return (
    <p className="field-progress field-saved">
      <Icon name="check" small />{t('status.saved')}
      <Button kind="link" small onPress={edit.undo}>{t('act.undo')}</Button>
    </p>
  );
}
