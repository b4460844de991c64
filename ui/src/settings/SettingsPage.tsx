import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';
import { href, type SettingsTab } from '../app/route';
import { useServices } from '../app/services';
import { ImportsEditor } from '../imports/ImportsEditor';
import { Button } from '../kit/Button';
import { Icon } from '../kit/Icon';
import { t, tn } from '../messages';
import { CustomerKeysEditor } from './CustomerKeysEditor';
import { FieldsEditor } from './FieldsEditor';
import { CopiesEditor } from './CopiesEditor';
import { InJiraEditor } from './InJiraEditor';
import { PermissionsEditor } from './PermissionsEditor';
import { ProductsEditor } from './ProductsEditor';
import { ServerEditor } from './ServerEditor';
import { TokensEditor } from './TokensEditor';
import { TypeChangePage } from './TypeChangePage';
import { useWebhooks, WebhooksEditor } from './WebhooksEditor';

export function SettingsPage({ tab: asked, id }: { tab: SettingsTab; id?: string | undefined }) {
  const { me, transport } = useServices();
  // Tokens, imports, webhooks and customers' sign-in are for Jira's administrators, whoever else may configure.
  const isAdmin = me.role === 'admin';
  // Only the host's own frame can say where the server is.
  const server = isAdmin ? transport.server : undefined;
  const tab = (['tokens', 'imports', 'webhooks', 'in-jira', 'sign-in'].includes(asked) && !isAdmin) || (asked === 'server' && !server) ? 'customer' : asked;
  const dead = (useWebhooks(isAdmin).data ?? []).filter((webhook) => webhook.state === 'dead');
  return (
    <>
      <header className="page-head"><h1 className="page-title">{t('settings.title')}</h1></header>
      {dead.length > 0 && (
        <div className="notice notice-warning page-notice" role="status">
          <Icon name="error" small />
          <span>{tn('webhooks.dead.notice', dead.length, { names: dead.map((webhook) => webhook.name).join(', ') })}</span>
          {tab !== 'webhooks' && <Button small onPress={() => { window.location.hash = href.settings('webhooks'); }}>{t('webhooks.dead.look')}</Button>}
        </div>
      )}
      <Tabs className="tabs" selectedKey={tab} onSelectionChange={(key) => { window.location.hash = href.settings(String(key)); }}>
        <TabList className="tab-list" aria-label={t('settings.title')}>
          <Tab id="customer" className="tab">{t('settings.customer')}</Tab>
          <Tab id="organization" className="tab">{t('settings.organization')}</Tab>
          <Tab id="products" className="tab">{t('settings.products')}</Tab>
          <Tab id="permissions" className="tab">{t('settings.permissions')}</Tab>
          {isAdmin && <Tab id="tokens" className="tab">{t('settings.tokens')}</Tab>}
          {isAdmin && <Tab id="imports" className="tab">{t('settings.imports')}</Tab>}
          {isAdmin && <Tab id="webhooks" className="tab">{t('settings.webhooks')}</Tab>}
          {isAdmin && <Tab id="in-jira" className="tab">{t('settings.injira')}</Tab>}
          {isAdmin && <Tab id="sign-in" className="tab">{t('settings.signin')}</Tab>}
          {server && <Tab id="server" className="tab">{t('settings.server')}</Tab>}
        </TabList>
        <TabPanel id="customer" className="tab-panel">{id ? <TypeChangePage key={id} fieldId={id} /> : <FieldsEditor key="customer" entity="customer" />}</TabPanel>
        <TabPanel id="organization" className="tab-panel">{id ? <TypeChangePage key={id} fieldId={id} /> : <FieldsEditor key="organization" entity="organization" />}</TabPanel>
        <TabPanel id="products" className="tab-panel"><ProductsEditor /></TabPanel>
        <TabPanel id="permissions" className="tab-panel"><PermissionsEditor /></TabPanel>
        {isAdmin && <TabPanel id="tokens" className="tab-panel"><TokensEditor /></TabPanel>}
        {isAdmin && <TabPanel id="imports" className="tab-panel"><ImportsEditor id={id ?? null} /></TabPanel>}
        {isAdmin && <TabPanel id="webhooks" className="tab-panel"><WebhooksEditor /></TabPanel>}
        {isAdmin && <TabPanel id="in-jira" className="tab-panel"><InJiraEditor /><CopiesEditor /></TabPanel>}
        {isAdmin && <TabPanel id="sign-in" className="tab-panel"><CustomerKeysEditor /></TabPanel>}
        {server && <TabPanel id="server" className="tab-panel"><ServerEditor transport={transport} server={server} /></TabPanel>}
      </Tabs>
    </>
  );
}
