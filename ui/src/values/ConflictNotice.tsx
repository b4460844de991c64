/** Two people wrote one value: both are shown, and the reader decides. Nothing is chosen for them. */
import { useEffect, useRef } from 'react';
import { useReader } from '../app/reader';
import { authorName } from '../api/types';
import type { Field, FieldValue, Value } from '../api/types';
import { Button } from '../kit/Button';
import { Icon } from '../kit/Icon';
import { t } from '../messages';
import { formatInstant } from './format';
import { ValueView } from './ValueView';

interface Props {
  field: Field;
  conflict: { mine: Value; theirs: FieldValue };
  onKeep: () => void;
  onWrite: () => void;
}

export function ConflictNotice({ field, conflict, onKeep, onWrite }: Props) {
  const reader = useReader();
  const { theirs, mine } = conflict;
  const name = authorName(theirs.updatedBy);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    box.current?.focus();
  }, []);
  return (
    <div className="conflict" ref={box} tabIndex={-1} role="group" aria-label={t('conflict.title', { name })}>
      <p className="conflict-title"><Icon name="error" small /><bdi>{t('conflict.title', { name })}</bdi></p>
      <p className="conflict-when"><time dateTime={theirs.updatedAt}>{formatInstant(theirs.updatedAt, reader)}</time></p>
      <dl className="conflict-both">
        <div><dt><bdi>{t('conflict.theirs', { name })}</bdi></dt><dd><ValueView field={field} value={theirs.value} /></dd></div>
        <div><dt>{t('conflict.mine')}</dt><dd><ValueView field={field} value={mine} /></dd></div>
      </dl>
      <div className="conflict-actions">
        <Button small onPress={onKeep}>{t('conflict.keep')}</Button>
        <Button small kind="primary" onPress={onWrite}>{t('conflict.write')}</Button>
      </div>
    </div>
  );
}
