import { href } from '../app/route';
import type { Customer } from '../api/types';
import { Avatar } from '../kit/Avatar';
import { t } from '../messages';
import { LocalTime } from '../panel/PersonCard';
import { RecordsPage, type ListSpec } from './RecordsPage';
import type { Asked } from './useTableView';

const SPEC: ListSpec<Customer> = {
  entity: 'customer',
  list: 'customers',
  idOf: (c) => c.accountId,
  nameOf: (c) => c.displayName,
  hrefOf: (c) => href.customer(c.accountId),
  fetch: (calls, query, search, cursor) => calls.customers(query, search, cursor),
  builtIn: () => [
    { key: 'name', name: t('customers.name'), width: 260, text: (c) => c.displayName, cell: (c) => (
      <a className="cell-name" href={href.customer(c.accountId)}><Avatar name={c.displayName} small /><bdi>{c.displayName}</bdi>{!c.active && <span className="lozenge lozenge-off">{t('panel.inactive')}</span>}</a>
    ) },
    { key: 'email', name: t('customers.email'), width: 240, text: (c) => c.emailAddress ?? '', cell: (c) => <bdi>{c.emailAddress}</bdi> },
    { key: 'organizations', name: t('customers.organizations'), width: 220, text: (c) => c.organizations.map((o) => o.name).join('; '), cell: (c) => (
      <span className="cell-links">{c.organizations.map((o) => <a key={o.id} className="link" href={href.organization(o.id)}><bdi>{o.name}</bdi></a>)}</span>
    ) },
    { key: 'timeZone', name: t('customers.localtime'), width: 130, text: (c) => c.timeZone ?? '', cell: (c) => c.timeZone && <LocalTime timeZone={c.timeZone} /> },
  ],
  sortedBy: { name: 'name', email: 'email', organizations: 'organization' },
  taken: ['name', 'email', 'organization', 'project', 'updated', 'active', 'merged', 'timezone', 'accountid'],
};

export function CustomersPage({ asked }: { asked: Asked }) {
  return <RecordsPage spec={SPEC} asked={asked} />;
}
