/** One cell being edited, in a window of its own at its place: the same editing, and the same care, as everywhere. */
import { useEffect, useRef, type RefObject } from 'react';
import { Dialog, Popover } from 'react-aria-components';
import type { Field, FieldValue, Subject, Value } from '../api/types';
import { ConflictNotice } from '../values/ConflictNotice';
import { complaint, normalized } from '../values/check';
import { Editor } from '../values/FieldRow';
import { sameValue } from '../values/format';
import { useFieldEdit } from '../values/useFieldEdit';
import { t } from '../messages';

interface Props {
  subject: Subject;
  field: Field;
  held: FieldValue | undefined;
  anchor: RefObject<HTMLElement | null>;
  onWritten: (before: Value, now: FieldValue) => void;
  /** `written` says whether something was. */
  onClose: (written: boolean) => void;
}

export function CellEditor({ subject, field, held, anchor, onWritten, onClose }: Props) {
  const edit = useFieldEdit(subject, field, held, anchor);
  const { begin, saved } = edit;
  const begun = useRef(false);
  useEffect(() => {
    if (begun.current) return;
    begun.current = true;
    begin();
  }, [begin]);
  useEffect(() => {
    if (!saved) return;
    onWritten(saved.before, saved.now);
    onClose(true);
  }, [saved, onWritten, onClose]);
  const cancel = () => {
    edit.cancel();
    onClose(false);
  };
  const submit = (given?: Value) => {
    const value = normalized(given === undefined ? (edit.editing?.draft ?? null) : given);
    if (!complaint(field, value) && held && sameValue(value, held.value)) cancel();
    else edit.submit(given);
  };
  return (
    <Popover isOpen triggerRef={anchor} onOpenChange={(open) => !open && cancel()} placement="bottom start" offset={2} className="popover cell-editor">
      <Dialog aria-label={t('field.edit', { field: field.name })} className="cell-editor-window">
        {edit.editing && <Editor field={field} edit={{ ...edit, cancel, submit }} />}
        {edit.conflict && <ConflictNotice field={field} conflict={edit.conflict} onKeep={() => { edit.keepTheirs(); onClose(false); }} onWrite={edit.writeMine} />}
        {!edit.editing && !edit.conflict && <p className="field-progress"><span className="spinner" aria-hidden="true" />{t('status.saving')}</p>}
      </Dialog>
    </Popover>
  );
}
