/** The organizations that a customer belongs to, by name. */
import { useQuery } from '@tanstack/react-query';
import { keys } from '../api/queries';
import { useServices } from '../app/services';
import { t } from '../messages';

export function OwnOrganizations() {
  const { calls, me } = useServices();
  const own = useQuery({ queryKey: keys.customer(me.accountId), queryFn: () => calls.customer(me.accountId) });
  // The profile is whole without it: who belongs to none reads nothing of it.
  if (!own.data || own.data.organizations.length === 0) return null;
  return (
    <section className="card portal-organizations" aria-label={t('portal.organizations')}>
      <h2 className="side-title">{t('portal.organizations')}</h2>
      <ul>{own.data.organizations.map((organization) => <li key={organization.id}><bdi>{organization.name}</bdi></li>)}</ul>
    </section>
  );
}
