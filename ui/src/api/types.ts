/**
 * The API's shapes under the names that the UI uses. They come from the generated schema, with two things settled
 * once (see `settled`): a field that may be left out is null, and a person always has a name to show.
 */
import { t } from '../messages';
import type { components } from './schema';

type Schemas = components['schemas'];

/** A field's value as JSON; null is empty. What it means is the field's type. */
export type Made<T> = T & { refused: { pointer: string; problem: { title: string; detail?: string | null } }[] };

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
export type Changes = Settled<Schemas['ChangesView']>;
export type Completion = Schemas['CompletionsView'];
export type Mistake = Schemas['MistakeView'];
export type Duplicate = Settled<Schemas['DuplicateView']>;
export type Merge = Omit<Settled<Schemas['MergeView']>, 'refused'> & Made<unknown>;
export type Merged = Omit<Settled<Schemas['MergedView']>, 'merge'> & { merge: Merge };
export type MergeInput = Schemas['MergeInput'];
export type MergePreview = Settled<Schemas['MergePreview']>;
export type Product = Schemas['ProductView'];
export type ProductInput = Required<Schemas['ProductInput']>;
export type Terms = Settled<Schemas['EntitlementTerms']>;
export type Entitlement = Settled<Schemas['EntitlementView']>;
export type EntitlementChange = Omit<Settled<Schemas['EntitlementChangeView']>, 'from' | 'to'> & { from: Terms | null; to: Terms | null };
export type OrganizationEntitlements = Settled<Schemas['OrganizationEntitlements']>;
export type ExportFormat = Schemas['ExportFormat'];
export type Counts = Settled<Schemas['CountsView']>;
export type Customer = Settled<Schemas['CustomerView']>;
export type Entity = Schemas['Entity'];
export type Field = Settled<Schemas['FieldView']>;
export type FieldOption = Settled<Schemas['OptionView']>;
export type FieldType = Schemas['FieldType'];
export type FieldValue = Settled<Schemas['ValueView']>;
export type HistoryEntry = Settled<Schemas['ChangeView']>;
export type Held = Settled<Schemas['HeldView']>;
export type HeldClass = Settled<Schemas['HeldClassView']>;
export type HeldValue = Settled<Schemas['HeldValueView']>;
export type Reading = Settled<Schemas['ReadingView']>;
export type Import = Settled<Schemas['ImportView']>;
export type ImportOutcome = Schemas['ImportOutcome'];
export type ImportPreview = Settled<Schemas['PreviewView']>;
export type ImportRow = Settled<Schemas['ImportRowView']>;
export type ImportMade = Settled<Schemas['MadeView']>;
export type MakeCustomers = Settled<Schemas['ImportMakeCustomers']>;
export type TypeChange = Omit<Settled<Schemas['TypeChangeView']>, 'from' | 'to' | 'reading'> & { from: FieldType; to: FieldType; reading: Required<Schemas['TypeChangeReading']> };
export type BulkChange = { type: 'setValue'; fieldId: string; value: Value } | { type: 'addToOrganization' | 'removeFromOrganization'; organizationId: string } | { type: 'addToProject'; projectId: string };
export type BulkChangeType = BulkChange['type'];
export type BulkAction = Omit<Settled<Schemas['BulkActionView']>, 'change'> & { change: BulkChange | null };
export type BulkRow = Omit<Settled<Schemas['BulkActionRowView']>, never>;
export type TypeChangeInput = Schemas['TypeChangeInput'];
export type TypeChangeRow = Schemas['TypeChangeRowView'];
export type ImportSettings = Settled<Schemas['ImportSettings']>;
export type Me = Settled<Schemas['MeView']>;
export type Organization = Settled<Schemas['OrganizationView']>;
export type Panel = Settled<Schemas['PanelView']>;
export type Project = Settled<Schemas['ProjectView']>;
export type NewRequest = Required<Schemas['NewRequest']>;
export type RequestForm = Settled<Schemas['FormView']>;
export type RequestType = Settled<Schemas['RequestTypeView']>;
/** A record that the search found, and by which field. */
export type Found = Settled<Schemas['FoundView']>;
/** A row to be written, over the version that its writer saw. */
export interface BulkItem {
  id: string;
  version: number;
  values: Record<string, Value>;
}
export type BulkOutcome = Schemas['BulkOutcome'];
/** The values of one row of a table. */
export type RowValues = Settled<Schemas['RowView']>;
export type SavedView = Settled<Schemas['SavedView']>;
export type ViewColumn = Settled<Schemas['ViewColumn']>;
export type Section = Settled<Schemas['SectionView']>;
export type NewToken = Settled<Schemas['NewTokenView']>;
export type Token = Settled<Schemas['TokenView']>;
export type TokenInput = Schemas['TokenInput'];
export type TokenScope = Schemas['TokenScope'];
export type CustomerKeys = Settled<Schemas['CustomerKeysView']>;
export type CustomerKey = Settled<Schemas['CustomerKeyView']>;
export type CustomerKeyInput = Schemas['CustomerKeyInput'];
export type NewCustomerKey = Settled<Schemas['NewCustomerKeyView']>;
export type Portal = Settled<Schemas['PortalView']>;
export type OwnRequest = Settled<Schemas['OwnRequestView']>;
export type OwnOrganization = Settled<Schemas['OwnOrganizationView']>;
export type OwnOrganizations = Settled<Schemas['OwnOrganizationsView']>;
export type FieldOnIssues = Settled<Schemas['FieldOnIssuesView']>;
export type CopiedField = Settled<Schemas['CopyView']>;
export type CopyFailure = Settled<Schemas['CopyFailureView']>;
export type Copies = { copies: CopiedField[]; failures: CopyFailure[] };
export type IssueField = Settled<Schemas['IssueFieldView']>;
export type InJira = Omit<Settled<Schemas['InJiraView']>, 'fields'> & { fields: FieldOnIssues[] };
export type Webhook = Settled<Schemas['WebhookView']>;
export type NewWebhook = Settled<Schemas['NewWebhookView']>;
export type WebhookEvent = Schemas['EventKind'];
export type WebhookInput = Required<Schemas['WebhookInput']>;
export type Delivery = Settled<Schemas['DeliveryView']>;
export type DeliveryState = 'waiting' | 'delivered' | 'failed';
export type ReplayInput = Schemas['ReplayInput'];
export type User = Settled<Schemas['UserView']>;
export type ValueSet = Settled<Schemas['ValueSetView']>;

/** A field as it is sent. */
export interface FieldInput extends Pick<Field, 'entity' | 'type' | 'name' | 'help' | 'sectionId' | 'required' | 'default' | 'audience' | 'projects' | 'country'> {
  options: { id?: string; label: string; retired: boolean }[];
}

export interface Permissions {
  browse: Holder[];
  edit: Holder[];
  configure: Holder[];
  version: number;
}

/** How whoever wrote something is called. */
export function authorName(author: Actor): string {
  const name = author.tokenId ? t('person.token', { name: author.displayName }) : author.displayName;
  return author.importId ? t('person.import', { name }) : name;
}

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
