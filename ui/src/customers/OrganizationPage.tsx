import { useQuery } from '@tanstack/react-query';
import { href } from '../app/route';
import { useServices } from '../app/services';
import { keys } from '../api/queries';
import { Members } from '../adding/Members';
import { Entitlements } from '../entitlements/Entitlements';
import { Avatar } from '../kit/Avatar';
import { Icon } from '../kit/Icon';
import { ProblemNotice, Skeleton } from '../kit/Notice';
import { t, tn } from '../messages';
import { CountLinks } from '../panel/PersonCard';
import { SubjectTabs } from './SubjectTabs';

/** One organization: its fields and history, and its members beside them. */
export function OrganizationPage({ id }: { id: string }) {
  const { calls } = useServices();
  const organization = useQuery({ queryKey: keys.organization(id), queryFn: () => calls.organization(id) });
  const o = organization.data;
  return (
    <>
      <a className="back" href={href.organizations}><Icon name="back" small />{t('organizations.all')}</a>
      {organization.isPending && <Skeleton head rows={5} />}
      {organization.isError && !o && <ProblemNotice error={organization.error} onRetry={() => void organization.refetch()} />}
      {o && (
        <div className="subject">
          <div className="subject-main">
            <header className="person">
              <div className="person-top">
                <Avatar name={o.name} square />
                <div className="person-names">
                  <h1 className="person-name"><bdi>{o.name}</bdi></h1>
                  <p className="person-email">{tn('panel.members', o.memberCount)}</p>
                </div>
              </div>
              {o.counts && <CountLinks counts={o.counts} />}
            </header>
            <Entitlements organization={o} />
            <SubjectTabs subject={{ entity: 'organization', id }} name={o.name} />
          </div>
          <aside className="subject-side">
            <Members organization={o} />
          </aside>
        </div>
      )}
    </>
  );
}
