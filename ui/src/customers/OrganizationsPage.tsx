import { useReader } from '../app/reader';
import { href } from '../app/route';
import type { Organization } from '../api/types';
import { byUrgency } from '../entitlements/days';
import { EntitlementNames } from '../entitlements/EntitlementItem';
import { Avatar } from '../kit/Avatar';
import { t } from '../messages';
import { formatNumber } from '../values/format';
import { RecordsPage, type ListSpec } from './RecordsPage';
import type { Asked } from './useTableView';

const held = (o: Organization) => byUrgency(o.entitlements ?? []).filter((e) => e.state !== 'expired');

const SPEC: ListSpec<Organization> = {
  entity: 'organization',
  list: 'organizations',
  idOf: (o) => o.id,
  nameOf: (o) => o.name,
  hrefOf: (o) => href.organization(o.id),
  fetch: (calls, query, search, cursor) => calls.organizations(query, search, cursor),
  builtIn: () => [
    { key: 'name', name: t('organizations.name'), width: 320, text: (o) => o.name, cell: (o) => (
      <a className="cell-name" href={href.organization(o.id)}><Avatar name={o.name} small square /><bdi>{o.name}</bdi></a>
    ) },
    { key: 'members', name: t('organizations.members'), width: 120, text: (o) => String(o.memberCount), cell: (o) => <MemberCount count={o.memberCount} /> },
    { key: 'entitlements', name: t('entitlements.title'), width: 280, text: (o) => held(o).map((e) => e.productName).join(', '), cell: (o) => <EntitlementNames all={held(o)} /> },
  ],
  sortedBy: { name: 'name', members: 'members' },
  taken: ['name', 'members', 'updated', 'id', 'entitlement'],
};

function MemberCount({ count }: { count: number }) {
  return formatNumber(count, useReader());
}

export function OrganizationsPage({ asked }: { asked: Asked }) {
  return <RecordsPage spec={SPEC} asked={asked} />;
}
