import type { Field } from '../api/types';
import { ValueView } from '../values/ValueView';
import { isEmpty } from '../values/format';
import { useRowValue } from '../values/rowValues';

/** One field of one row. Its value comes with those of the rows around it. */
export function FieldCell({ id, field }: { id: string; field: Field }) {
  const held = useRowValue(id, field.id);
  if (held === undefined) return <span className="bone bone-value" />;
  const value = held ? held.value : field.default;
  return isEmpty(value) ? null : <ValueView field={field} value={value} />;
}
