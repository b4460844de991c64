/** Which page is shown. On our own origin the hash says it; in Jira the module does, and the hash walks within it. */
import { useSyncExternalStore } from 'react';

const TABS = ['customer', 'organization', 'products', 'permissions', 'tokens', 'imports', 'webhooks', 'in-jira', 'sign-in', 'server'] as const;
export type SettingsTab = (typeof TABS)[number];

export type Route =
  | { page: 'panel'; issue: string }
  /** `view` is a saved view, or `all`; `query` is what is asked instead of the view's own. Without either a list starts as its reader likes. */
  | { page: 'customers' | 'organizations'; id: string | null; view?: string; query?: string }
  /** `id` is that of an import, or of a field whose type is changed. */
  | { page: 'settings'; tab: SettingsTab; id?: string }
  /** Pairs that may be one person; with two of them, those two beside each other. */
  | { page: 'duplicates'; kept: string | null; merged: string | null }
  /** Bulk changes of customers or organizations: all, or one. */
  | { page: 'bulk'; entity: 'customer' | 'organization'; id: string | null }
  | { page: 'profile' }
  | { page: 'none' };

const decode = (part: string | undefined): string | null => {
  if (!part) return null;
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
};

export function parseHash(hash: string): Route {
  const [path = '', asked] = hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  const [page, rest, further] = path.split('/');
  const id = decode(further);
  const search = new URLSearchParams(asked ?? '');
  const [view, query] = [search.get('view'), search.get('query')];
  switch (page) {
    case 'customers':
    case 'organizations': return { page, id: decode(rest), ...(view ? { view } : {}), ...(query || (view && query !== null) ? { query } : {}) };
    case 'settings': return { page, tab: TABS.find((tab) => tab === rest) ?? 'customer', ...(id ? { id } : {}) };
    case 'duplicates': return { page, kept: decode(rest), merged: id };
    case 'bulk': return { page, entity: rest === 'organization' ? 'organization' : 'customer', id };
    case 'profile': return { page };
    case 'issues': {
      const issue = decode(rest);
      return issue ? { page: 'panel', issue } : { page: 'none' };
    }
    default: return { page: 'none' };
  }
}

function subscribe(changed: () => void): () => void {
  window.addEventListener('hashchange', changed);
  return () => window.removeEventListener('hashchange', changed);
}

export function useRoute(): Route {
  return parseHash(useSyncExternalStore(subscribe, () => window.location.hash));
}

const asking = (asked: { view?: string; query?: string }) => {
  const parts = (['view', 'query'] as const).flatMap((key) => (asked[key] === undefined ? [] : `${key}=${encodeURIComponent(asked[key])}`));
  return parts.length > 0 ? `?${parts.join('&')}` : '';
};

export const href = {
  customers: '#/customers',
  list: (entity: 'customer' | 'organization', asked: { view?: string; query?: string }) => `#/${entity}s${asking(asked)}`,
  issue: (key: string) => `#/issues/${encodeURIComponent(key)}`,
  customer: (id: string) => `#/customers/${encodeURIComponent(id)}`,
  organizations: '#/organizations',
  organization: (id: string) => `#/organizations/${encodeURIComponent(id)}`,
  settings: (tab: string) => `#/settings/${tab}`,
  import: (id: string) => `#/settings/imports/${encodeURIComponent(id)}`,
  typeChange: (entity: string, fieldId: string) => `#/settings/${entity}/${encodeURIComponent(fieldId)}`,
  duplicates: '#/duplicates',
  merge: (kept: string, merged: string) => `#/duplicates/${encodeURIComponent(kept)}/${encodeURIComponent(merged)}`,
  bulk: (entity: 'customer' | 'organization', id?: string) => `#/bulk/${entity}${id === undefined ? '' : `/${encodeURIComponent(id)}`}`,
  profile: '#/profile',
};
