import { useState } from 'react';
import { Form } from 'react-aria-components';
import type { Section } from '../api/types';
import { Button } from '../kit/Button';
import { DialogBox } from '../kit/Dialogs';
import { TextInput } from '../kit/fields';
import { t } from '../messages';

const LONGEST_NAME = 100;

export function SectionDialog({ section, onName, onClose }: { section: Section | null; onName: (name: string) => Promise<void>; onClose: () => void }) {
  const [name, setName] = useState(section?.name ?? '');
  const [error, setError] = useState<string | null>(null);
  const submit = () => {
    if (name.trim() === '') setError(t('invalid.required'));
    else void onName(name.trim());
  };
  return (
    <DialogBox title={t(section ? 'settings.section.rename' : 'settings.section.add')} onClose={onClose} dismissable={false}
      foot={<><Button kind="subtle" onPress={onClose}>{t('act.cancel')}</Button><Button kind="primary" onPress={submit}>{t(section ? 'act.save' : 'act.add')}</Button></>}>
      <Form onSubmit={(e) => { e.preventDefault(); submit(); }}>
        <TextInput label={t('settings.section.name')} value={name} onChange={(v) => { setName(v); setError(null); }} required error={error} maxLength={LONGEST_NAME} autoFocus />
      </Form>
    </DialogBox>
  );
}
