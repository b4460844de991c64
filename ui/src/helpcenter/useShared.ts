/** What is shared with a customer of their own fields. */
import { useServices } from '../app/services';
import { useFields, useSections, useValues } from '../api/queries';
import { isEmpty } from '../values/format';
import { valueOf } from '../values/save';

export function useShared() {
  const { me } = useServices();
  const subject = { entity: 'customer' as const, id: me.accountId };
  const [values, fields, sections] = [useValues(subject), useFields('customer'), useSections('customer')];
  const failed = [values, fields, sections].find((q) => q.isError && !q.data);
  if (failed) return { subject, failed: failed.error, retry: () => void failed.refetch(), shared: null };
  if (!values.data || !fields.data || !sections.data) return { subject, failed: null, retry: undefined, shared: null };
  return { subject, failed: null, retry: undefined, shared: { values: values.data, fields: fields.data.filter((f) => f.audience !== 'agents'), sections: sections.data } };
}

/** Fields that a customer can fill, must, and did not: each is one that the support team asks for. */
export function missing(shared: NonNullable<ReturnType<typeof useShared>['shared']>) {
  const stands = (id: string) => valueOf(shared.values, id);
  return shared.fields.filter((f) => f.required && f.audience === 'customerEdit' && isEmpty(stands(f.id) ? stands(f.id)?.value : f.default));
}
