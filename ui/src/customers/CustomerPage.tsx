import { useQuery } from '@tanstack/react-query';
import { href } from '../app/route';
import { useMay, useServices } from '../app/services';
import { keys, useFields, useSections } from '../api/queries';
import { RequestButton } from '../adding/RequestButton';
import { Merges } from '../duplicates/Merges';
import { Icon } from '../kit/Icon';
import { ProblemNotice, Skeleton } from '../kit/Notice';
import { t } from '../messages';
import { OrganizationBlock } from '../panel/OrganizationBlock';
import { PersonCard } from '../panel/PersonCard';
import { SubjectTabs } from './SubjectTabs';

/** One customer, wide: the person, their fields and history, and their organizations beside them. */
export function CustomerPage({ accountId }: { accountId: string }) {
  const { calls } = useServices();
  const mayEdit = useMay('edit');
  const customer = useQuery({ queryKey: keys.customer(accountId), queryFn: () => calls.customer(accountId) });
  const organizations = customer.data?.organizations ?? [];
  const fields = useFields('organization', false, organizations.length > 0);
  const sections = useSections('organization', organizations.length > 0);
  return (
    <>
      <a className="back" href={href.customers}><Icon name="back" small />{t('customers.all')}</a>
      {customer.isPending && <Skeleton head rows={5} />}
      {customer.isError && !customer.data && <ProblemNotice error={customer.error} onRetry={() => void customer.refetch()} />}
      {customer.data && (
        <div className="subject">
          <div className="subject-main">
            <Merges accountId={accountId} />
            <PersonCard customer={customer.data} counts={customer.data.counts} timeZone={customer.data.timeZone} locale={null} aside={mayEdit && <RequestButton customer={customer.data} />} />
            <SubjectTabs subject={{ entity: 'customer', id: accountId }} name={customer.data.displayName} closed={Boolean(customer.data.mergedInto)} />
          </div>
          {organizations.length > 0 && (
            <aside className="subject-side" aria-label={t('panel.organizations')}>
              {organizations.map((o) => <OrganizationBlock key={o.id} organization={o} fields={fields.data ?? []} sections={sections.data ?? []} mayEdit={mayEdit} />)}
            </aside>
          )}
        </div>
      )}
    </>
  );
}
