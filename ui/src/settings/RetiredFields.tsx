import { Button as AriaButton, Disclosure, DisclosurePanel, Heading } from 'react-aria-components';
import { useFields } from '../api/queries';
import type { Entity, Field } from '../api/types';
import { Button } from '../kit/Button';
import { Icon } from '../kit/Icon';
import { t, tn } from '../messages';

/** Fields that were retired, with the way back. */
export function RetiredFields({ entity, onRestore }: { entity: Entity; onRestore: (field: Field) => void }) {
  const retired = useFields(entity, true);
  const fields = (retired.data ?? []).filter((f) => f.retired);
  if (fields.length === 0) return null;
  return (
    <Disclosure className="retired">
      <Heading level={2} className="retired-head">
        <AriaButton slot="trigger" className="retired-trigger"><Icon name="chevron" small />{tn('settings.retired.title', fields.length)}</AriaButton>
      </Heading>
      <DisclosurePanel>
        <p className="page-intro">{t('settings.retired.detail')}</p>
        <ul className="retired-list">
          {fields.map((f) => (
            <li key={f.id}>
              <span className="shelf-text"><span className="shelf-name"><bdi>{f.name}</bdi></span><span className="shelf-facts">{t(`type.${f.type}`)}</span></span>
              <Button small onPress={() => onRestore(f)} aria-label={`${t('act.restore')}: ${f.name}`}>{t('act.restore')}</Button>
            </li>
          ))}
        </ul>
      </DisclosurePanel>
    </Disclosure>
  );
}
