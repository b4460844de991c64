/** Each call that the UI makes, once, under the name of what it does. The only place that knows the API's paths. */
import { etag, must, type ApiClient } from './client';
import type {
  Completion, Customer, Entity, Field, FieldInput, FieldValue, HistoryEntry, Holder, Me, Mistake, NewToken, Organization,
  Panel, Permissions, Project, Section, Subject, Token, TokenInput, User, Value, ValueSet,
} from './types';

export interface Page<T> {
  items: T[];
  nextCursor?: string | null;
}

/** The most that the server gives at once. */
const PAGE_LIMIT = 100;

/** Of lists that come whole: a site has tens of fields, sections and projects, and the server bounds them. */
async function all<T>(page: () => Promise<Page<T>>): Promise<T[]> {
  return (await page()).items;
}

const match = (version: number) => ({ 'If-Match': etag(version) });
const optional = <T extends Record<string, string | undefined>>(query: T) =>
  Object.fromEntries(Object.entries(query).filter(([, v]) => v)) as { [K in keyof T]?: string };

export function calls(api: ApiClient) {
  return {
    me: (): Promise<Me> => must(api.GET('/api/v1/me')),
    /** A one-time address of our own origin for the person who asks. */
    ticket: (): Promise<{ url: string }> => must(api.POST('/api/v1/session/tickets')),
    panel: (issue: string, person?: string): Promise<Panel> =>
      must(api.GET('/api/v1/panel', { params: { query: person ? { issue, person } : { issue } } })),
    projects: (): Promise<Project[]> =>
      all(() => must(api.GET('/api/v1/projects'))),
    users: (query: string): Promise<Page<User>> =>
      must(api.GET('/api/v1/users', { params: { query: optional({ query }) } })),
    holders: (query: string): Promise<Page<Holder>> =>
      must(api.GET('/api/v1/settings/holders', { params: { query: optional({ query }) } })) as Promise<Page<Holder>>,

    customers: (query: string, search: string, cursor?: string): Promise<Page<Customer>> =>
      must(api.GET('/api/v1/customers', { params: { query: { ...optional({ query, search, cursor }), limit: PAGE_LIMIT } } })),
    customer: (accountId: string): Promise<Customer> =>
      must(api.GET('/api/v1/customers/{accountId}', { params: { path: { accountId } } })),
    organizations: (query: string, search: string, cursor?: string): Promise<Page<Organization>> =>
      must(api.GET('/api/v1/organizations', { params: { query: { ...optional({ query, search, cursor }), limit: PAGE_LIMIT } } })),
    organization: (id: string): Promise<Organization> =>
      must(api.GET('/api/v1/organizations/{organizationId}', { params: { path: { organizationId: id } } })),

    /** Of a query that means nothing: why. Runs nothing. */
    checkQuery: async (entity: Entity, query: string): Promise<{ mistakes: Mistake[] }> => {
      const { mistakes } = await must(api.POST('/api/v1/queries/check', { body: { entity, query } }));
      return { mistakes: mistakes as Mistake[] };
    },
    completions: (entity: Entity, query: string, cursor: number): Promise<Completion> =>
      must(api.GET('/api/v1/queries/completions', { params: { query: { entity, query, cursor } } })) as Promise<Completion>,

    values: ({ entity, id }: Subject): Promise<ValueSet> =>
      entity === 'customer'
        ? must(api.GET('/api/v1/customers/{accountId}/values', { params: { path: { accountId: id } } }))
        : must(api.GET('/api/v1/organizations/{organizationId}/values', { params: { path: { organizationId: id } } })),
    /** `version` is that of the value which the writer saw, 0 when there was none. */
    setValue: ({ entity, id }: Subject, fieldId: string, value: Value, version: number): Promise<FieldValue> =>
      entity === 'customer'
        ? must(api.PUT('/api/v1/customers/{accountId}/values/{fieldId}', { params: { path: { accountId: id, fieldId }, header: match(version) }, body: { value } }))
        : must(api.PUT('/api/v1/organizations/{organizationId}/values/{fieldId}', { params: { path: { organizationId: id, fieldId }, header: match(version) }, body: { value } })),
    history: ({ entity, id }: Subject, fieldId: string | null, cursor?: string): Promise<Page<HistoryEntry>> => {
      const query = { ...optional({ fieldId: fieldId ?? undefined, cursor }), limit: 50 };
      return entity === 'customer'
        ? must(api.GET('/api/v1/customers/{accountId}/history', { params: { path: { accountId: id }, query } }))
        : must(api.GET('/api/v1/organizations/{organizationId}/history', { params: { path: { organizationId: id }, query } }));
    },
    restoreValue: ({ entity, id }: Subject, entryId: string, version: number): Promise<FieldValue> =>
      entity === 'customer'
        ? must(api.POST('/api/v1/customers/{accountId}/history/{changeId}/restore', { params: { path: { accountId: id, changeId: entryId }, header: match(version) } }))
        : must(api.POST('/api/v1/organizations/{organizationId}/history/{changeId}/restore', { params: { path: { organizationId: id, changeId: entryId }, header: match(version) } })),

    sections: (entity: Entity): Promise<Section[]> =>
      all(() => must(api.GET('/api/v1/sections', { params: { query: { entity } } }))),
    addSection: (entity: Entity, name: string): Promise<Section> => must(api.POST('/api/v1/sections', { body: { entity, name } })),
    setSection: ({ id, version }: Section, name: string, position: number): Promise<Section> =>
      must(api.PUT('/api/v1/sections/{id}', { params: { path: { id }, header: match(version) }, body: { name, position } })),
    removeSection: ({ id, version }: Section): Promise<unknown> =>
      must(api.DELETE('/api/v1/sections/{id}', { params: { path: { id }, header: match(version) } })),

    fields: (entity: Entity, retired = false): Promise<Field[]> =>
      all(() => must(api.GET('/api/v1/fields', { params: { query: { entity, retired } } }))),
    field: (id: string): Promise<Field> => must(api.GET('/api/v1/fields/{id}', { params: { path: { id } } })),
    addField: (body: FieldInput): Promise<Field> => must(api.POST('/api/v1/fields', { body })),
    setField: (id: string, version: number, body: FieldInput): Promise<Field> =>
      must(api.PUT('/api/v1/fields/{id}', { params: { path: { id }, header: match(version) }, body })),
    retireField: ({ id, version }: Field): Promise<unknown> =>
      must(api.DELETE('/api/v1/fields/{id}', { params: { path: { id }, header: match(version) } })),
    restoreField: ({ id, version }: Field): Promise<Field> =>
      must(api.POST('/api/v1/fields/{id}/restore', { params: { path: { id }, header: match(version) } })),
    orderFields: (entity: Entity, ids: string[]): Promise<unknown> => must(api.POST('/api/v1/fields/order', { body: { entity, ids } })),

    permissions: (): Promise<Permissions> => must(api.GET('/api/v1/settings/permissions')) as Promise<Permissions>,
    setPermissions: ({ browse, edit, configure, version }: Permissions): Promise<Permissions> =>
      must(api.PUT('/api/v1/settings/permissions', { params: { header: match(version) }, body: { browse, edit, configure } as never })) as Promise<Permissions>,

    tokens: (): Promise<Token[]> => all(() => must(api.GET('/api/v1/tokens'))),
    addToken: (body: TokenInput): Promise<NewToken> => must(api.POST('/api/v1/tokens', { body })),
    revokeToken: (tokenId: string): Promise<unknown> => must(api.DELETE('/api/v1/tokens/{tokenId}', { params: { path: { tokenId } } })),
  };
}

export type Calls = ReturnType<typeof calls>;
