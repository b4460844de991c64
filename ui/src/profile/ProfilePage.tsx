/** What a customer sees of themselves on the portal, in plain words: their fields and their organizations’ as far as they are shared with them, and what is held about them. */
import { useState } from 'react';
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';
import { useServices } from '../app/services';
import { useFields, useSections, useValues } from '../api/queries';
import { MyEntitlements } from '../entitlements/MyEntitlements';
import { EmptyState, ProblemNotice, Skeleton } from '../kit/Notice';
import { t } from '../messages';
import { HeldPage } from '../person/HeldPage';
import { FieldSections } from '../values/FieldSections';
import { OwnOrganizations, useOwnOrganizations } from './OwnOrganizations';

export function ProfilePage({ embedded = false }: { embedded?: boolean }) {
  const body = <Profile />;
  return embedded ? body : <main className="page page-profile">{body}</main>;
}

function Profile() {
  const [tab, setTab] = useState(() => (window.location.hash.endsWith('/held') ? 'held' : 'details'));
  return (
    <div className="profile">
      <h1 className="page-title">{t('profile.title')}</h1>
      <Tabs className="tabs" selectedKey={tab} onSelectionChange={(key) => setTab(String(key))}>
        <TabList className="tab-list" aria-label={t('profile.title')}>
          <Tab id="details" className="tab">{t('profile.details')}</Tab>
          <Tab id="held" className="tab">{t('profile.held')}</Tab>
        </TabList>
        <TabPanel id="details" className="tab-panel"><Details /></TabPanel>
        <TabPanel id="held" className="tab-panel"><HeldPage /></TabPanel>
      </Tabs>
    </div>
  );
}

function Details() {
  const { me, transport } = useServices();
  const subject = { entity: 'customer' as const, id: me.accountId };
  const values = useValues(subject);
  const fields = useFields('customer');
  const sections = useSections('customer');
  const own = useOwnOrganizations();
  const failed = [values, fields, sections].find((q) => q.isError && !q.data);
  if (failed) return <ProblemNotice error={failed.error} forge={transport.kind !== 'session'} onRetry={() => void failed.refetch()} />;
  if (!values.data || !fields.data || !sections.data) return <Skeleton head rows={4} />;
  const shared = fields.data.filter((f) => f.audience !== 'agents');
  const editable = shared.some((f) => f.audience === 'customerEdit');
  return (
    <div className="profile-details">
      {shared.length > 0 && <p className="page-intro">{t(editable ? 'profile.intro' : 'profile.intro.readonly')}</p>}
      {shared.length === 0 ? <NothingOwn own={own} /> : (
        <div className="card">
          <FieldSections subject={subject} fields={shared} sections={sections.data} values={values.data} mayEdit={(f) => f.audience === 'customerEdit'} name={me.displayName} />
        </div>
      )}
      <OwnOrganizations own={own} />
      <MyEntitlements />
    </div>
  );
}

/** Where nothing of their own is shared, something of their organizations may be. */
function NothingOwn({ own }: { own: ReturnType<typeof useOwnOrganizations> }) {
  if (own.found.isPending) return <Skeleton rows={4} />;
  return own.anyShared ? null : <EmptyState icon="person" title={t('profile.empty.title')} detail={t('profile.empty.detail')} />;
}
