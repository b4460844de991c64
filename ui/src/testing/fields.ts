/** Fields for tests. */
import type { Field } from '../api/types';

export function fieldOf(type: Field['type'], more: Partial<Field> = {}): Field {
  return {
    id: 'f', entity: 'customer', type, name: 'Plan', help: null, sectionId: null, position: 0, required: false, default: null,
    options: [{ id: 'a', label: 'Gold', retired: false }, { id: 'b', label: 'Old', retired: true }], audience: 'agents', projects: [], country: null, retired: false, version: 1, ...more,
  };
}
