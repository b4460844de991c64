/** Each call that the UI makes, once, under the name of what it does. The only place that knows the API's paths. */
import { etag, must, type ApiClient } from './client';
import type {
  BulkAction, BulkChange, BulkItem, BulkOutcome, BulkRow, Changes, Completion, Copies, Customer, CustomerKeyInput, CustomerKeys, Delivery, Duplicate, Entitlement, EntitlementChange, Entity, Field,
  FieldInput, FieldValue, Found, Held, HistoryEntry, Holder, Import, ImportMade, ImportOutcome, ImportPreview, ImportRow, ImportSettings, InJira, IssueField, Made, Me, Merge, Merged, MergeInput, MergePreview, Mistake, NewCustomerKey, NewRequest,
  NewToken, NewWebhook, Organization, OrganizationEntitlements, OwnOrganizations, OwnRequest, Panel, Permissions, Portal, Product, ProductInput, Project, Reading, ReplayInput, RequestForm,
  RequestType, RowValues, SavedView, Section, Subject, Terms, Token, TokenInput, TypeChange, TypeChangeInput, TypeChangeRow, User, Value,
  ValueSet, Webhook, WebhookInput,
} from './types';

export interface Page<T> {
  items: T[];
  nextCursor?: string | null;
}

/** A page of a list; whether its records were looked at one by one, which takes longer. */
export interface ListPage<T> extends Page<T> {
  lookedThrough: boolean;
  /** How many there are in all, where that is known; with the first page. */
  total?: number | null;
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
    signOut: (): Promise<unknown> => must(api.DELETE('/api/v1/session')),
    panel: (issue: string, person?: string): Promise<Panel> =>
      must(api.GET('/api/v1/panel', { params: { query: person ? { issue, person } : { issue } } })),
    /** Answers when something changed after `after`, or after so many seconds. */
    changes: (after: number | undefined, wait: number): Promise<Changes> =>
      must(api.GET('/api/v1/changes', { params: { query: { wait, ...(after === undefined ? {} : { after }) } } })),
    projects: (): Promise<Project[]> =>
      all(() => must(api.GET('/api/v1/projects'))),
    users: (query: string): Promise<Page<User>> =>
      must(api.GET('/api/v1/users', { params: { query: optional({ query }) } })),
    /** Who has exactly this account id, name or address. */
    usersCalled: (query: string): Promise<Page<User>> =>
      must(api.GET('/api/v1/users', { params: { query: { query, exact: true } } })),
    holders: (query: string): Promise<Page<Holder>> =>
      must(api.GET('/api/v1/settings/holders', { params: { query: optional({ query }) } })) as Promise<Page<Holder>>,

    customers: (query: string, search: string, cursor?: string): Promise<ListPage<Customer>> =>
      must(api.GET('/api/v1/customers', { params: { query: { ...optional({ query, search, cursor }), limit: PAGE_LIMIT } } })),
    customer: (accountId: string): Promise<Customer> =>
      must(api.GET('/api/v1/customers/{accountId}', { params: { path: { accountId } } })),
    organizations: (query: string, search: string, cursor?: string): Promise<ListPage<Organization>> =>
      must(api.GET('/api/v1/organizations', { params: { query: { ...optional({ query, search, cursor }), limit: PAGE_LIMIT } } })),
    organization: (id: string): Promise<Organization> =>
      must(api.GET('/api/v1/organizations/{organizationId}', { params: { path: { organizationId: id } } })),

    addCustomer: (body: { email: string; displayName: string; projectIds: string[]; organizationIds: string[] }): Promise<Made<{ customer: Customer }>> =>
      must(api.POST('/api/v1/customers', { body })),
    addOrganization: (body: { name: string; projectIds: string[] }): Promise<Made<{ organizationId: string }>> =>
      must(api.POST('/api/v1/organizations', { body })),
    addMembers: (organizationId: string, accountIds: string[]): Promise<unknown> =>
      must(api.POST('/api/v1/organizations/{organizationId}/members', { params: { path: { organizationId } }, body: { accountIds } })),
    removeMember: (organizationId: string, accountId: string): Promise<unknown> =>
      must(api.DELETE('/api/v1/organizations/{organizationId}/members/{accountId}', { params: { path: { organizationId, accountId } } })),
    addToProject: (projectId: string, accountIds: string[]): Promise<unknown> =>
      must(api.POST('/api/v1/projects/{projectId}/customers', { params: { path: { projectId } }, body: { accountIds } })),
    requestTypes: (projectId: string): Promise<RequestType[]> =>
      all(() => must(api.GET('/api/v1/projects/{projectId}/request-types', { params: { path: { projectId } } }))),
    requestForm: (projectId: string, requestTypeId: string): Promise<RequestForm> =>
      must(api.GET('/api/v1/projects/{projectId}/request-types/{requestTypeId}', { params: { path: { projectId, requestTypeId } } })),
    raiseRequest: (body: NewRequest): Promise<{ issueKey: string; url?: string | null }> => must(api.POST('/api/v1/requests', { body })),

    /** By words of every field that the reader may see; `ready` is false while the index is made. */
    search: (q: string): Promise<{ items: Found[]; ready: boolean }> => must(api.GET('/api/v1/search', { params: { query: { q } } })),
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
    /** Of up to a hundred records at once, of these fields. */
    rowValues: async (entity: Entity, ids: string[], fields: string[]): Promise<RowValues[]> =>
      (await (entity === 'customer' ? must(api.POST('/api/v1/customers/values:read', { body: { ids, fields } })) : must(api.POST('/api/v1/organizations/values:read', { body: { ids, fields } })))).items,
    /** Each row whole or not at all; what became of each, in their order. */
    writeRows: async (entity: Entity, rows: BulkItem[]): Promise<BulkOutcome[]> => {
      const items = rows.map(({ id, version, values }) => ({ id, values: values as never, ifMatch: etag(version) }));
      const answer = entity === 'customer'
        ? await must(api.POST('/api/v1/customers/values:bulk', { body: { items: items.map(({ id, ...rest }) => ({ accountId: id, ...rest })) } }))
        : await must(api.POST('/api/v1/organizations/values:bulk', { body: { items: items.map(({ id, ...rest }) => ({ organizationId: id, ...rest })) } }));
      return answer.items as BulkOutcome[];
    },
    /** The reader's own, or everybody's for whoever changes the settings; newest first. */
    bulkActions: (entity: Entity, cursor?: string): Promise<Page<BulkAction>> =>
      (entity === 'customer' ? must(api.GET('/api/v1/customers/bulk-actions', { params: { query: optional({ cursor }) } })) : must(api.GET('/api/v1/organizations/bulk-actions', { params: { query: optional({ cursor }) } }))) as Promise<Page<BulkAction>>,
    /** Looks at what is chosen; changes nothing. */
    beginBulk: (entity: Entity, wanted: { selection: { ids?: string[]; query?: string; search?: string; except?: string[] }; change: BulkChange }): Promise<BulkAction> => {
      const body = wanted as never;
      return (entity === 'customer' ? must(api.POST('/api/v1/customers/bulk-actions', { body })) : must(api.POST('/api/v1/organizations/bulk-actions', { body }))) as Promise<BulkAction>;
    },
    bulkAction: (entity: Entity, bulkActionId: string): Promise<BulkAction> => {
      const at = { params: { path: { bulkActionId } } };
      return (entity === 'customer' ? must(api.GET('/api/v1/customers/bulk-actions/{bulkActionId}', at)) : must(api.GET('/api/v1/organizations/bulk-actions/{bulkActionId}', at))) as Promise<BulkAction>;
    },
    moveBulk: (entity: Entity, bulkActionId: string, wish: 'run' | 'pause' | 'cancel' | 'undo'): Promise<BulkAction> => {
      const at = { params: { path: { bulkActionId } } };
      return (entity === 'customer' ? must(api.POST(`/api/v1/customers/bulk-actions/{bulkActionId}/${wish}`, at)) : must(api.POST(`/api/v1/organizations/bulk-actions/{bulkActionId}/${wish}`, at))) as Promise<BulkAction>;
    },
    bulkRows: (entity: Entity, bulkActionId: string, outcome: ImportOutcome, cursor?: string): Promise<Page<BulkRow>> => {
      const at = { params: { path: { bulkActionId }, query: { outcome, ...optional({ cursor }) } } };
      return (entity === 'customer' ? must(api.GET('/api/v1/customers/bulk-actions/{bulkActionId}/rows', at)) : must(api.GET('/api/v1/organizations/bulk-actions/{bulkActionId}/rows', at))) as Promise<Page<BulkRow>>;
    },
    bulkKept: (entity: Entity, bulkActionId: string): Promise<Page<{ ownerId: string; ownerName?: string | null; changeId: string }>> => {
      const at = { params: { path: { bulkActionId } } };
      return entity === 'customer' ? must(api.GET('/api/v1/customers/bulk-actions/{bulkActionId}/kept', at)) : must(api.GET('/api/v1/organizations/bulk-actions/{bulkActionId}/kept', at));
    },
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

    held: (accountId: string): Promise<Held> => must(api.GET('/api/v1/customers/{accountId}/held', { params: { path: { accountId } } })) as Promise<Held>,
    readings: (accountId: string, cursor?: string): Promise<Page<Reading>> =>
      must(api.GET('/api/v1/customers/{accountId}/readings', { params: { path: { accountId }, query: { ...optional({ cursor }), limit: 50 } } })) as Promise<Page<Reading>>,

    duplicates: (cursor?: string): Promise<Page<Duplicate> & { more: boolean }> => must(api.GET('/api/v1/duplicates', { params: { query: { ...optional({ cursor }), limit: 50 } } })),
    dismissDuplicate: (accountId: string, otherId: string): Promise<unknown> => must(api.PUT('/api/v1/duplicates/{accountId}/{otherId}/dismissal', { params: { path: { accountId, otherId } } })),
    recallDuplicate: (accountId: string, otherId: string): Promise<unknown> => must(api.DELETE('/api/v1/duplicates/{accountId}/{otherId}/dismissal', { params: { path: { accountId, otherId } } })),
    /** The first is kept, the second merged into it. */
    mergePreview: (accountId: string, otherId: string): Promise<MergePreview> => must(api.GET('/api/v1/customers/{accountId}/merge/{otherId}', { params: { path: { accountId, otherId } } })),
    merge: (accountId: string, otherId: string, body: MergeInput): Promise<Merged> => must(api.POST('/api/v1/customers/{accountId}/merge/{otherId}', { params: { path: { accountId, otherId } }, body })) as Promise<Merged>,
    merges: (accountId: string): Promise<Merge[]> => all(() => must(api.GET('/api/v1/customers/{accountId}/merges', { params: { path: { accountId } } }))),
    undoMerge: (mergeId: string): Promise<Merged> => must(api.POST('/api/v1/merges/{mergeId}/undo', { params: { path: { mergeId } } })) as Promise<Merged>,

    products: (): Promise<Product[]> => all(() => must(api.GET('/api/v1/products'))),
    addProduct: (body: ProductInput): Promise<Product> => must(api.POST('/api/v1/products', { body })),
    setProduct: ({ id, version }: Product, body: ProductInput): Promise<Product> =>
      must(api.PUT('/api/v1/products/{productId}', { params: { path: { productId: id }, header: match(version) }, body })),
    entitlements: (organizationId: string): Promise<Entitlement[]> =>
      all(() => must(api.GET('/api/v1/organizations/{organizationId}/entitlements', { params: { path: { organizationId } } }))),
    /** Of one that stands, or was withdrawn: then its history knows it. 0 where it never was. */
    entitlementVersion: async (organizationId: string, productId: string): Promise<number> => {
      let cursor: string | undefined;
      do {
        const page = await must(api.GET('/api/v1/organizations/{organizationId}/entitlement-history', { params: { path: { organizationId }, query: { ...optional({ cursor }), limit: PAGE_LIMIT } } }));
        const last = page.items.find((entry) => entry.productId === productId);
        if (last) return Number(last.id);
        cursor = page.nextCursor ?? undefined;
      } while (cursor);
      return 0;
    },
    setEntitlement: (organizationId: string, { productId, version }: { productId: string; version: number }, body: Terms): Promise<Entitlement> =>
      must(api.PUT('/api/v1/organizations/{organizationId}/entitlements/{productId}', { params: { path: { organizationId, productId }, header: match(version) }, body })),
    withdrawEntitlement: (organizationId: string, { productId, version }: { productId: string; version: number }): Promise<Entitlement> =>
      must(api.DELETE('/api/v1/organizations/{organizationId}/entitlements/{productId}', { params: { path: { organizationId, productId }, header: match(version) } })),
    entitlementHistory: (organizationId: string, cursor?: string): Promise<Page<EntitlementChange>> =>
      must(api.GET('/api/v1/organizations/{organizationId}/entitlement-history', { params: { path: { organizationId }, query: { ...optional({ cursor }), limit: 50 } } })) as Promise<Page<EntitlementChange>>,
    restoreEntitlement: (organizationId: string, changeId: string, version: number): Promise<Entitlement> =>
      must(api.POST('/api/v1/organizations/{organizationId}/entitlement-history/{changeId}/restore', { params: { path: { organizationId, changeId }, header: match(version) } })),
    customerEntitlements: (accountId: string): Promise<OrganizationEntitlements[]> =>
      all(() => must(api.GET('/api/v1/customers/{accountId}/entitlements', { params: { path: { accountId } } }))),

    /** The reader's own and shared ones, by name. */
    views: (entity: Entity): Promise<SavedView[]> => all(() => must(api.GET('/api/v1/views', { params: { query: { entity } } }))),
    addView: (body: Pick<SavedView, 'entity' | 'name' | 'query' | 'columns' | 'shared'>): Promise<SavedView> => must(api.POST('/api/v1/views', { body })),
    setView: ({ id, version }: SavedView, body: Pick<SavedView, 'name' | 'query' | 'columns' | 'shared'>): Promise<SavedView> =>
      must(api.PUT('/api/v1/views/{viewId}', { params: { path: { viewId: id }, header: match(version) }, body })),
    removeView: ({ id, version }: SavedView): Promise<unknown> =>
      must(api.DELETE('/api/v1/views/{viewId}', { params: { path: { viewId: id }, header: match(version) } })),
    restoreView: (viewId: string): Promise<SavedView> => must(api.POST('/api/v1/views/{viewId}/restore', { params: { path: { viewId } } })),
    /** The reader's own table starts with it, or no longer. */
    beginWith: ({ id }: SavedView, begins: boolean): Promise<unknown> => {
      const at = { params: { path: { viewId: id } } };
      return must(begins ? api.PUT('/api/v1/views/{viewId}/default', at) : api.DELETE('/api/v1/views/{viewId}/default', at));
    },

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

    typeChanges: (id: string): Promise<Page<TypeChange>> => must(api.GET('/api/v1/fields/{id}/type-changes', { params: { path: { id } } })) as Promise<Page<TypeChange>>,
    previewTypeChange: (id: string, body: TypeChangeInput): Promise<unknown> => must(api.POST('/api/v1/fields/{id}/type-changes', { params: { path: { id } }, body })),
    moveTypeChange: (typeChangeId: string, wish: 'run' | 'cancel' | 'undo'): Promise<TypeChange> =>
      must(api.POST(`/api/v1/type-changes/{typeChangeId}/${wish}`, { params: { path: { typeChangeId } } })) as Promise<TypeChange>,
    typeChangeRows: (typeChangeId: string, outcome: ImportOutcome, cursor?: string): Promise<Page<TypeChangeRow>> =>
      must(api.GET('/api/v1/type-changes/{typeChangeId}/rows', { params: { path: { typeChangeId }, query: { outcome, ...optional({ cursor }) } } })) as Promise<Page<TypeChangeRow>>,
    typeChangeKept: (typeChangeId: string): Promise<Page<{ ownerId: string; ownerName?: string | null; changeId: string }>> =>
      must(api.GET('/api/v1/type-changes/{typeChangeId}/kept', { params: { path: { typeChangeId } } })),

    permissions: (): Promise<Permissions> => must(api.GET('/api/v1/settings/permissions')) as Promise<Permissions>,
    setPermissions: ({ browse, edit, configure, version }: Permissions): Promise<Permissions> =>
      must(api.PUT('/api/v1/settings/permissions', { params: { header: match(version) }, body: { browse, edit, configure } as never })) as Promise<Permissions>,

    imports: (cursor?: string): Promise<Page<Import>> => must(api.GET('/api/v1/imports', { params: { query: optional({ cursor }) } })),
    import: (importId: string): Promise<Import> => must(api.GET('/api/v1/imports/{importId}', { params: { path: { importId } } })),
    beginImport: (entity: Entity, fileName: string): Promise<Import> => must(api.POST('/api/v1/imports', { body: { entity, fileName } })),
    /** Sent again, a part is not added twice. */
    sendImportPart: (importId: string, part: number, base64: string): Promise<Import> =>
      must(api.PUT('/api/v1/imports/{importId}/parts/{part}', { params: { path: { importId, part } }, body: { base64 } })),
    previewImport: (importId: string, { encoding, delimiter }: Partial<Pick<ImportSettings, 'encoding' | 'delimiter'>>): Promise<ImportPreview> =>
      must(api.GET('/api/v1/imports/{importId}/preview', { params: { path: { importId }, query: { ...(encoding ? { encoding } : {}), ...(delimiter ? { delimiter } : {}) } } })),
    checkImport: (importId: string, body: ImportSettings): Promise<Import> =>
      must(api.POST('/api/v1/imports/{importId}/check', { params: { path: { importId } }, body })),
    moveImport: (importId: string, wish: 'run' | 'pause' | 'cancel'): Promise<Import> =>
      must(api.POST(`/api/v1/imports/{importId}/${wish}`, { params: { path: { importId } } })),
    undoImport: (importId: string, takeAccess: boolean): Promise<Import> =>
      must(api.POST('/api/v1/imports/{importId}/undo', { params: { path: { importId }, query: takeAccess ? { takeAccess } : {} } })),
    importMade: (importId: string, cursor?: string): Promise<Page<ImportMade>> =>
      must(api.GET('/api/v1/imports/{importId}/made', { params: { path: { importId }, query: optional({ cursor }) } })),
    importRows: (importId: string, outcome: ImportOutcome | null, cursor?: string): Promise<Page<ImportRow>> =>
      must(api.GET('/api/v1/imports/{importId}/rows', { params: { path: { importId }, query: { ...(outcome ? { outcome } : {}), ...optional({ cursor }) } } })),
    importKept: (importId: string): Promise<Page<{ ownerId: string; fieldId: string; changeId: string }>> =>
      must(api.GET('/api/v1/imports/{importId}/kept', { params: { path: { importId } } })),

    tokens: (): Promise<Token[]> => all(() => must(api.GET('/api/v1/tokens'))),
    customerKeys: (): Promise<CustomerKeys> => must(api.GET('/api/v1/customer-keys')),
    addCustomerKey: (body: CustomerKeyInput): Promise<NewCustomerKey> => must(api.POST('/api/v1/customer-keys', { body })),
    deleteCustomerKey: (keyId: string): Promise<unknown> => must(api.DELETE('/api/v1/customer-keys/{keyId}', { params: { path: { keyId } } })),
    portal: (): Promise<Portal> => must(api.GET('/api/v1/portal')),
    ownRequests: (cursor: string | undefined): Promise<Page<OwnRequest>> =>
      must(api.GET('/api/v1/me/requests', { params: { query: cursor === undefined ? {} : { cursor } } })),
    /** With what is shared of them, and the fields that it stands in. */
    ownOrganizations: (cursor: string | undefined): Promise<OwnOrganizations> =>
      must(api.GET('/api/v1/me/organizations', { params: { query: cursor === undefined ? {} : { cursor } } })),
    addToken: (body: TokenInput): Promise<NewToken> => must(api.POST('/api/v1/tokens', { body })),
    revokeToken: (tokenId: string): Promise<unknown> => must(api.DELETE('/api/v1/tokens/{tokenId}', { params: { path: { tokenId } } })),

    inJira: (): Promise<InJira> => must(api.GET('/api/v1/settings/in-jira')) as Promise<InJira>,
    putOnIssues: (fieldId: string, version: number): Promise<unknown> =>
      must(api.PUT('/api/v1/settings/in-jira/fields/{fieldId}', { params: { path: { fieldId }, header: match(version) } })),
    takeOffIssues: (fieldId: string, version: number): Promise<unknown> =>
      must(api.DELETE('/api/v1/settings/in-jira/fields/{fieldId}', { params: { path: { fieldId }, header: match(version) } })),
    sendIssuesAgain: (): Promise<unknown> => must(api.POST('/api/v1/settings/in-jira/send')),
    copies: (): Promise<Copies> => must(api.GET('/api/v1/settings/in-jira/copies')) as Promise<Copies>,
    issueFields: async (): Promise<IssueField[]> => (await must(api.GET('/api/v1/settings/in-jira/issue-fields'))).items,
    putCopy: (fieldId: string, version: number, issueFieldId: string): Promise<unknown> =>
      must(api.PUT('/api/v1/settings/in-jira/copies/{fieldId}', { params: { path: { fieldId }, header: match(version) }, body: { issueFieldId } })),
    removeCopy: (fieldId: string, version: number): Promise<unknown> =>
      must(api.DELETE('/api/v1/settings/in-jira/copies/{fieldId}', { params: { path: { fieldId }, header: match(version) } })),
    webhooks: (): Promise<Webhook[]> => all(() => must(api.GET('/api/v1/webhooks'))),
    addWebhook: (body: WebhookInput): Promise<NewWebhook> => must(api.POST('/api/v1/webhooks', { body })),
    setWebhook: ({ id, version }: Webhook, { name, url, events, includeValues, active }: WebhookInput): Promise<Webhook> =>
      must(api.PUT('/api/v1/webhooks/{webhookId}', { params: { path: { webhookId: id }, header: match(version) }, body: { name, url, events, includeValues, active } })),
    removeWebhook: ({ id, version }: Webhook): Promise<unknown> =>
      must(api.DELETE('/api/v1/webhooks/{webhookId}', { params: { path: { webhookId: id }, header: match(version) } })),
    rotateWebhookSecret: (webhookId: string): Promise<NewWebhook> => must(api.POST('/api/v1/webhooks/{webhookId}/secret', { params: { path: { webhookId } } })),
    testWebhook: (webhookId: string): Promise<unknown> => must(api.POST('/api/v1/webhooks/{webhookId}/test', { params: { path: { webhookId } } })),
    deliveries: (webhookId: string, state: string | null, cursor: string): Promise<Page<Delivery>> =>
      must(api.GET('/api/v1/webhooks/{webhookId}/deliveries', { params: { path: { webhookId }, query: { ...optional({ cursor }), ...(state ? { state: state as 'waiting' } : {}) } } })),
    replayDelivery: (webhookId: string, sequence: number): Promise<unknown> =>
      must(api.POST('/api/v1/webhooks/{webhookId}/deliveries/{sequence}/replay', { params: { path: { webhookId, sequence } } })),
    replaySpan: (webhookId: string, body: ReplayInput): Promise<{ first: number | null; last: number | null }> =>
      must(api.POST('/api/v1/webhooks/{webhookId}/replay', { params: { path: { webhookId } }, body })) as Promise<{ first: number | null; last: number | null }>,
  };
}

export type Calls = ReturnType<typeof calls>;
