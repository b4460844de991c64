import { useValues } from '../api/queries';
import type { Field, Subject } from '../api/types';
import { ValueView } from '../values/ValueView';
import { isEmpty } from '../values/format';
import { valueOf } from '../values/save';

/** One field of one row. The row's values are fetched when the row comes into sight, once for all its cells. */
export function FieldCell({ subject, field }: { subject: Subject; field: Field }) {
  const values = useValues(subject);
  if (values.isPending) return <span className="bone bone-value" />;
  const held = valueOf(values.data, field.id);
  const value = held ? held.value : field.default;
  return isEmpty(value) ? null : <ValueView field={field} value={value} />;
}
