import type { Audience, Entity, Field, FieldInput, FieldType } from '../api/types';
import type { MessageKey } from '../messages';

export const FIELD_TYPES: FieldType[] = ['text', 'longText', 'number', 'date', 'dateTime', 'boolean', 'select', 'multiSelect', 'url', 'email', 'phone', 'user'];

export function hasOptions(type: FieldType): boolean {
  return type === 'select' || type === 'multiSelect';
}

/** A field as it is sent: whole, without what the server gives it. */
export function inputOf(field: Field): FieldInput {
  const { entity, type, name, help, sectionId, required, default: fallback, options, audience, projects, country } = field;
  return { entity, type, name, help, sectionId, required, default: fallback, options, audience, projects, country };
}

/** Who may see a field besides agents, as far as the server takes it: an organization has one value for all its members, which none of them changes. */
export function audiencesOf(entity: Entity): { id: Audience; label: MessageKey; detail: MessageKey }[] {
  const agents = { id: 'agents', label: 'editor.audience.agents', detail: 'editor.audience.agents.detail' } as const;
  if (entity === 'organization') return [agents, { id: 'customerView', label: 'editor.audience.members', detail: 'editor.audience.members.detail' }];
  return [
    agents,
    { id: 'customerView', label: 'editor.audience.customerView', detail: 'editor.audience.customerView.detail' },
    { id: 'customerEdit', label: 'editor.audience.customerEdit', detail: 'editor.audience.customerEdit.detail' },
  ];
}

/** The same in a word, beside the field's name. */
export function audienceWord({ entity, audience }: Pick<Field, 'entity' | 'audience'>): MessageKey {
  return entity === 'organization' && audience !== 'agents' ? 'audience.members' : `audience.${audience}`;
}
