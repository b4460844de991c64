import { useState } from 'react';
import type { Field, Subject } from '../api/types';
import { Drawer } from '../kit/Dialogs';
import { ChoiceInput } from '../kit/fields';
import { t } from '../messages';
import { HistoryList } from './HistoryList';

interface Props {
  subject: Subject;
  name: string;
  /** The field whose history is asked for; null for all of them. */
  field: Field | null;
  fields: Field[];
  mayEdit: (field: Field) => boolean;
  onClose: () => void;
}

export function HistoryDrawer({ subject, name, field, fields, mayEdit, onClose }: Props) {
  const [of, setOf] = useState(field?.id ?? null);
  return (
    <Drawer title={t('history.title')} subtitle={name} onClose={onClose}>
      <ChoiceInput label={t('history.field')} value={of} onChange={setOf} none={t('history.all')} choices={fields.map((f) => ({ id: f.id, label: f.name }))} />
      <HistoryList key={of} subject={subject} field={fields.find((f) => f.id === of) ?? null} fields={fields} mayEdit={mayEdit} />
    </Drawer>
  );
}
