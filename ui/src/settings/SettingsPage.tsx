import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';
import { href, type SettingsTab } from '../app/route';
import { useServices } from '../app/services';
import { t } from '../messages';
import { FieldsEditor } from './FieldsEditor';
import { PermissionsEditor } from './PermissionsEditor';
import { TokensEditor } from './TokensEditor';

export function SettingsPage({ tab: asked }: { tab: SettingsTab }) {
  const { me } = useServices();
  // Tokens are for Jira's administrators, whoever else may configure.
  const mayTokens = me.role === 'admin';
  const tab = asked === 'tokens' && !mayTokens ? 'customer' : asked;
  return (
    <>
      <header className="page-head"><h1 className="page-title">{t('settings.title')}</h1></header>
      <Tabs className="tabs" selectedKey={tab} onSelectionChange={(key) => { window.location.hash = href.settings(String(key)); }}>
        <TabList className="tab-list" aria-label={t('settings.title')}>
          <Tab id="customer" className="tab">{t('settings.customer')}</Tab>
          <Tab id="organization" className="tab">{t('settings.organization')}</Tab>
          <Tab id="permissions" className="tab">{t('settings.permissions')}</Tab>
          {mayTokens && <Tab id="tokens" className="tab">{t('settings.tokens')}</Tab>}
        </TabList>
        <TabPanel id="customer" className="tab-panel"><FieldsEditor key="customer" entity="customer" /></TabPanel>
        <TabPanel id="organization" className="tab-panel"><FieldsEditor key="organization" entity="organization" /></TabPanel>
        <TabPanel id="permissions" className="tab-panel"><PermissionsEditor /></TabPanel>
        {mayTokens && <TabPanel id="tokens" className="tab-panel"><TokensEditor /></TabPanel>}
      </Tabs>
    </>
  );
}
