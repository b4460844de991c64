/** In a customer's own profile: what their organizations are entitled to, as far as it is open to them. */
import { useQuery } from '@tanstack/react-query';
import { keys } from '../api/queries';
import { useServices } from '../app/services';
import { t } from '../messages';
import { byUrgency } from './days';
import { EntitlementItem } from './EntitlementItem';

export function MyEntitlements() {
  const { calls, me } = useServices();
  const list = useQuery({ queryKey: keys.myEntitlements(me.accountId), queryFn: () => calls.customerEntitlements(me.accountId) });
  // The profile is whole without it: who has none reads nothing of it.
  if (!list.data || list.data.length === 0) return null;
  return (
    <section className="entitlements card" aria-label={t('entitlements.mine')}>
      <h2 className="side-title">{t('entitlements.mine')}</h2>
      {list.data.map((of) => (
        <div key={of.organizationId} className="entitlements-of">
          <h3 className="section-title"><bdi>{of.organizationName}</bdi></h3>
          <ul className="entitlement-list">{byUrgency(of.entitlements).map((one) => <EntitlementItem key={one.productId} entitlement={one} />)}</ul>
        </div>
      ))}
    </section>
  );
}
