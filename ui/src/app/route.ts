/** Which page is shown. On our own origin the hash says it; in Jira the module does, and the hash walks within it. */
import { useSyncExternalStore } from 'react';

const TABS = ['customer', 'organization', 'permissions', 'tokens'] as const;
export type SettingsTab = (typeof TABS)[number];

export type Route =
  | { page: 'panel'; issue: string }
  /** `query` is what a list shows; absent when that is everything. */
  | { page: 'customers'; id: string | null; query?: string }
  | { page: 'organizations'; id: string | null; query?: string }
  | { page: 'settings'; tab: SettingsTab }
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
  const [page, rest] = path.split('/');
  const query = new URLSearchParams(asked ?? '').get('query');
  switch (page) {
    case 'customers':
    case 'organizations': return { page, id: decode(rest), ...(query ? { query } : {}) };
    case 'settings': return { page, tab: TABS.find((tab) => tab === rest) ?? 'customer' };
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

const asking = (query: string) => (query ? `?query=${encodeURIComponent(query)}` : '');

export const href = {
  customers: '#/customers',
  customersBy: (query: string) => `#/customers${asking(query)}`,
  customer: (id: string) => `#/customers/${encodeURIComponent(id)}`,
  organizations: '#/organizations',
  organizationsBy: (query: string) => `#/organizations${asking(query)}`,
  organization: (id: string) => `#/organizations/${encodeURIComponent(id)}`,
  settings: (tab: string) => `#/settings/${tab}`,
  profile: '#/profile',
};
