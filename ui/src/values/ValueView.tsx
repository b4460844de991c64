/** A value as it is read. What people wrote keeps its own direction. */
import { usePersonName } from '../api/queries';
import { useServices } from '../app/services';
import { useReader } from '../app/reader';
import type { Field, Value } from '../api/types';
import { Avatar } from '../kit/Avatar';
import { HostLink, mailto } from '../kit/HostLink';
import { t } from '../messages';
import { isWebAddress } from './check';
import { isEmpty, optionOf, plainText } from './format';

function Tag({ field, id }: { field: Field; id: string }) {
  const option = optionOf(field, id);
  // That an option is retired concerns those who choose among options, not the customer whose value it is.
  const retired = useServices().me.role !== 'customer' && option?.retired;
  return (
    <span className={option && !retired ? 'tag' : 'tag tag-retired'}>
      <bdi>{option?.label ?? t('value.unknown')}</bdi>
      {retired && <span className="tag-note"> ({t('value.retired')})</span>}
    </span>
  );
}

function Person({ accountId }: { accountId: string }) {
  const name = usePersonName(accountId) ?? t('value.unknown');
  return <span className="person-value"><Avatar name={name} small /><bdi>{name}</bdi></span>;
}

export function ValueView({ field, value }: { field: Field; value: Value | undefined }) {
  const reader = useReader();
  if (isEmpty(value)) return <span className="value-empty">{t('value.empty')}</span>;
  const text = String(value);
  switch (field.type) {
    case 'longText': return <p className="value-long" dir="auto">{text}</p>;
    case 'url': return isWebAddress(text) ? <HostLink href={text}>{text.replace(/^https?:\/\/(www\.)?/, '').replace(/\/$/, '')}</HostLink> : <bdi>{text}</bdi>;
    case 'email': return <HostLink href={mailto(text)} plain>{text}</HostLink>;
    case 'phone': return <HostLink href={`tel:${text.replace(/[^\d+]/g, '')}`} plain><span dir="ltr">{text}</span></HostLink>;
    case 'select': return <Tag field={field} id={text} />;
    case 'multiSelect': return <span className="tags">{(value as string[]).map((id) => <Tag key={id} field={field} id={id} />)}</span>;
    case 'user': return <Person accountId={text} />;
    default: return <bdi className="value-text">{plainText(field, value, reader)}</bdi>;
  }
}
