import type { Field, FieldInput, FieldType } from '../api/types';

export const FIELD_TYPES: FieldType[] = ['text', 'longText', 'number', 'date', 'dateTime', 'boolean', 'select', 'multiSelect', 'url', 'email', 'phone', 'user'];

export function hasOptions(type: FieldType): boolean {
  return type === 'select' || type === 'multiSelect';
}

/** A field as it is sent: whole, without what the server gives it. */
export function inputOf(field: Field): FieldInput {
  const { entity, type, name, help, sectionId, required, default: fallback, options, audience, projects, country } = field;
  return { entity, type, name, help, sectionId, required, default: fallback, options, audience, projects, country };
}
