/** The options of a choice: named, ordered, retired and brought back. Only an option that nobody can hold yet is removed. */
import { useRef } from 'react';
import { IconButton, Button } from '../kit/Button';
import { Input, TextField } from 'react-aria-components';
import { Icon } from '../kit/Icon';
import { t } from '../messages';

export interface DraftOption {
  /** Stays the same while the option is edited. */
  key: string;
  /** None while the server does not know it. */
  id?: string;
  label: string;
  retired: boolean;
}

const LONGEST_LABEL = 100;

export function OptionsEditor({ options, onChange, error }: { options: DraftOption[]; onChange: (options: DraftOption[]) => void; error?: string | undefined }) {
  const list = useRef<HTMLUListElement>(null);
  const set = (key: string, change: Partial<DraftOption>) => onChange(options.map((o) => (o.key === key ? { ...o, ...change } : o)));
  const move = (at: number, by: -1 | 1) => {
    const next = [...options];
    const [one] = next.splice(at, 1);
    if (one) next.splice(at + by, 0, one);
    onChange(next);
  };
  const add = () => {
    onChange([...options, { key: crypto.randomUUID(), label: '', retired: false }]);
    // The new line is there after this turn.
    setTimeout(() => list.current?.querySelector<HTMLInputElement>('li:last-child input')?.focus(), 0);
  };
  return (
    <fieldset className="control options" {...(error ? { 'data-invalid': true } : {})}>
      <legend className="control-label">{t('editor.options')}</legend>
      <ul ref={list}>
        {options.map((o, at) => {
          const name = o.label || t('editor.option', { number: at + 1 });
          return (
            <li key={o.key} className={o.retired ? 'option option-retired' : 'option'}>
              <TextField className="option-name" aria-label={t('editor.option', { number: at + 1 })} value={o.label} onChange={(label) => set(o.key, { label })} isDisabled={o.retired} maxLength={LONGEST_LABEL}
                onKeyDown={(e) => { if (e.key === 'Enter') { e.preventDefault(); add(); } else e.continuePropagation(); }}>
                <Input className="input" dir="auto" />
              </TextField>
              <IconButton icon="up" label={t('editor.option.up', { name })} isDisabled={at === 0} onPress={() => move(at, -1)} tooltip={false} />
              <IconButton icon="down" label={t('editor.option.down', { name })} isDisabled={at === options.length - 1} onPress={() => move(at, 1)} tooltip={false} />
              {o.id === undefined ? <IconButton icon="close" label={t('editor.option.remove', { name })} onPress={() => onChange(options.filter((x) => x.key !== o.key))} tooltip={false} />
                : o.retired ? <Button small onPress={() => set(o.key, { retired: false })} aria-label={t('editor.option.restore', { name })}>{t('act.restore')}</Button>
                : <Button small onPress={() => set(o.key, { retired: true })} aria-label={t('editor.option.retire', { name })}>{t('act.retire')}</Button>}
            </li>
          );
        })}
      </ul>
      <Button small icon="add" onPress={add}>{t('editor.option.add')}</Button>
      {options.some((o) => o.retired) && <p className="control-help">{t('editor.option.retired')}</p>}
      {error && <p className="control-error" role="alert"><Icon name="error" small />{error}</p>}
    </fieldset>
  );
}
