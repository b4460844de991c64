/**
 * The API's shapes under the names that the UI uses. They come from the generated schema, with two things settled
 * once (see `settled`): a field that may be left out is null, and a person always has a name to show.
 */
import { t } from '../messages';
import type { components } from './schema';

type Schemas = components['schemas'];

/** A field's value as JSON; null is empty. What it means is the field's type. */
export type Value = string | number | boolean | string[] | null;

/** What holds a permission. */
export interface Holder {
  kind: 'agents' | 'jiraAdmins' | 'group' | 'projectRole';
  id?: string;
  name?: string;
}

type Settled<T> = T extends readonly (infer U)[]
  ? Settled<U>[]
  : T extends object
    ? { [K in keyof T]-?: K extends 'displayName' ? string : K extends 'value' | 'default' | 'from' | 'to' ? Value : Settled<Exclude<T[K], undefined>> }
    : T;

export type Actor = Settled<Schemas['AuthorView']>;
export type Audience = Schemas['FieldAudience'];
/** What may stand at a place of a query. Places are UTF-16 code units, as JavaScript counts. */
export type Completion = Schemas['CompletionsView'];
export type Mistake = Schemas['MistakeView'];
export type ExportFormat = Schemas['ExportFormat'];
export type Counts = Settled<Schemas['CountsView']>;
export type Customer = Settled<Schemas['CustomerView']>;
export type Entity = Schemas['Entity'];
export type Field = Settled<Schemas['FieldView']>;
export type FieldOption = Settled<Schemas['OptionView']>;
export type FieldType = Schemas['FieldType'];
export type FieldValue = Settled<Schemas['ValueView']>;
export type HistoryEntry = Settled<Schemas['ChangeView']>;
export type Me = Settled<Schemas['MeView']>;
export type Organization = Settled<Schemas['OrganizationView']>;
export type Panel = Settled<Schemas['PanelView']>;
export type Project = Settled<Schemas['ProjectView']>;
export type Section = Settled<Schemas['SectionView']>;
export type NewToken = Settled<Schemas['NewTokenView']>;
export type Token = Settled<Schemas['TokenView']>;
export type TokenInput = Schemas['TokenInput'];
export type TokenScope = Schemas['TokenScope'];
export type User = Settled<Schemas['UserView']>;
export type ValueSet = Settled<Schemas['ValueSetView']>;

/** A field as it is sent. */
export interface FieldInput extends Pick<Field, 'entity' | 'type' | 'name' | 'help' | 'sectionId' | 'required' | 'default' | 'audience' | 'projects'> {
  options: { id?: string; label: string; retired: boolean }[];
}

export interface Permissions {
  browse: Holder[];
  edit: Holder[];
  configure: Holder[];
  version: number;
}

/** How whoever wrote something is called. */
export const authorName = (author: Actor): string => (author.tokenId ? t('person.token', { name: author.displayName }) : author.displayName);

/** Whose values: a customer by account id, or an organization by id. */
export interface Subject {
  entity: Entity;
  id: string;
}

/** Jira no longer says some people's names (a closed account, a hidden profile), and customers are not told those of API tokens. */
export function settled<T>(data: T): Settled<T> {
  if (Array.isArray(data)) data.forEach(settled);
  else if (data !== null && typeof data === 'object') {
    const record = data as Record<string, unknown>;
    if ('accountId' in record && 'displayName' in record && !record['displayName']) record['displayName'] = record['tokenId'] ? '' : t('person.unknown');
    Object.values(record).forEach(settled);
  }
  return data as Settled<T>;
}
