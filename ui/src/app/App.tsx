/** From the host's context to a page: who reads, in which language and light, and what they came for. */
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from 'react';
import { QueryClientProvider, useQuery, type QueryClient } from '@tanstack/react-query';
import { I18nProvider } from 'react-aria-components';
import type { Calls } from '../api/calls';
import { asProblem } from '../api/problem';
import type { Me } from '../api/types';
import { quoted } from '../customers/queryText';
import { Announcer } from '../kit/Announcer';
import { Button } from '../kit/Button';
import { Failed } from '../kit/Failed';
import { Flags } from '../kit/Flags';
import { EmptyState, ProblemNotice, Skeleton } from '../kit/Notice';
import { Offline } from '../kit/Offline';
import { t } from '../messages';
import { CustomerPanel, panelQuery } from '../panel/CustomerPanel';
import { QuickSearch, useQuickSearch } from '../search/QuickSearch';
import type { HostContext, Transport } from '../transport';
import { Navigation, SignOut } from './Navigation';
import { readerFrom, ReaderContext, type Reader } from './reader';
import { useLive } from './live';
import { useRoute, type Route } from './route';
import { ServicesContext, useServices } from './services';

// The panel stands beside every issue and is loaded at once; the other pages come when they are asked for.
const BulkListPage = lazy(async () => ({ default: (await import('../bulk/BulkPage')).BulkListPage }));
const BulkPage = lazy(async () => ({ default: (await import('../bulk/BulkPage')).BulkPage }));
const CustomerPage = lazy(async () => ({ default: (await import('../customers/CustomerPage')).CustomerPage }));
const CustomersPage = lazy(async () => ({ default: (await import('../customers/CustomersPage')).CustomersPage }));
const DuplicatesPage = lazy(async () => ({ default: (await import('../duplicates/DuplicatesPage')).DuplicatesPage }));
const MergePage = lazy(async () => ({ default: (await import('../duplicates/MergePage')).MergePage }));
const OrganizationPage = lazy(async () => ({ default: (await import('../customers/OrganizationPage')).OrganizationPage }));
const OrganizationsPage = lazy(async () => ({ default: (await import('../customers/OrganizationsPage')).OrganizationsPage }));
const PortalHeader = lazy(async () => ({ default: (await import('../helpcenter/PortalHeader')).PortalHeader }));
const RequestDetails = lazy(async () => ({ default: (await import('../helpcenter/RequestDetails')).RequestDetails }));
const PortalPage = lazy(async () => ({ default: (await import('../portal/PortalPage')).PortalPage }));
const ProfilePage = lazy(async () => ({ default: (await import('../profile/ProfilePage')).ProfilePage }));
const ServerEditor = lazy(async () => ({ default: (await import('../settings/ServerEditor')).ServerEditor }));
const SettingsPage = lazy(async () => ({ default: (await import('../settings/SettingsPage')).SettingsPage }));

interface Props {
  calls: Calls;
  client: QueryClient;
  transport: Transport;
}

export function App({ calls, client, transport }: Props) {
  return (
    <QueryClientProvider client={client}>
      <Announcer />
      <Failed><Start calls={calls} client={client} transport={transport} /></Failed>
    </QueryClientProvider>
  );
}

function Start({ calls, client, transport }: Props) {
  const context = useQuery({ queryKey: ['context'], queryFn: () => transport.context(), staleTime: Number.POSITIVE_INFINITY, retry: false });
  const me = useQuery({ queryKey: ['me'], queryFn: () => calls.me(), enabled: context.isSuccess, staleTime: Number.POSITIVE_INFINITY });
  const issue = context.data?.moduleKey === 'customer-panel' ? context.data.issueKey : null;
  // The panel's data need not wait until it is known who asks.
  useEffect(() => {
    if (issue) void client.prefetchQuery(panelQuery(calls, client, issue, undefined));
  }, [calls, client, issue]);
  const colorMode = context.data?.colorMode;
  useEffect(() => {
    if (colorMode) document.documentElement.dataset['colorMode'] = colorMode;
  }, [colorMode]);

  const retry = me.refetch;
  const joined = useCallback(() => void retry(), [retry]);
  // Without a server there is nobody who could say who this is; Jira shows the page to its administrators alone.
  if (context.data?.moduleKey === 'settings-page' && transport.server && me.isError) {
    return <main className="page"><h1 className="page-title">{t('settings.title')}</h1><Suspense fallback={<Skeleton rows={2} />}><ServerEditor transport={transport} server={transport.server} onJoined={joined} /></Suspense></main>;
  }

  // Only their own site can sign them in again.
  if (transport.portal && me.isError && asProblem(me.error).kind === 'unauthenticated') {
    return <main className="page"><h1 className="visually-hidden">{t('portal.name')}</h1><EmptyState icon="person" title={t('portal.out.title')} detail={t('portal.out.detail')} /></main>;
  }
  // On top of the portal's pages ours takes no room but for what it has to say.
  const quiet = context.data?.moduleKey === 'portal-header';
  if (quiet && !me.data) return null;
  const failed = context.isError ? context : me.isError ? me : null;
  if (failed) return <main className="page"><h1 className="visually-hidden">{t('app.name')}</h1><ProblemNotice error={failed.error} forge={transport.kind !== 'session'} onRetry={() => void failed.refetch()} /></main>;
  // Whether there is room for anything is not known before.
  if (!context.data && transport.kind === 'forge') return null;
  if (!context.data || !me.data) return <main className={issue ? 'panel' : 'page'}><Skeleton head rows={5} /></main>;
  return <Ready calls={calls} transport={transport} context={context.data} me={me.data} />;
}

/** react-aria takes the direction of the keyboard from the locale; the texts are left to right until a translation says otherwise. */
const RIGHT_TO_LEFT = /^(ar|dv|fa|he|ku|ps|sd|ug|ur|yi)\b/;

function Ready({ calls, transport, context, me }: { calls: Calls; transport: Transport; context: HostContext; me: Me }) {
  const services = useMemo(() => ({ calls, transport, me }), [calls, transport, me]);
  const [reader] = useState<Reader>(() => // On the portal the browser's language: Jira has one for people who set it there, which these cannot.
    readerFrom({ locale: transport.portal ? null : me.locale, timeZone: me.timeZone }, context));
  return (
    <I18nProvider locale={RIGHT_TO_LEFT.test(reader.locale) ? 'en' : reader.locale}>
      <ReaderContext.Provider value={reader}>
        <ServicesContext.Provider value={services}>
          {context.moduleKey === 'portal-header' ? <Suspense fallback={null}><PortalHeader /></Suspense> : (
            <>
              <Offline />
              <Live />
              {transport.portal ? <Suspense fallback={<main className="page"><Skeleton head rows={4} /></main>}><PortalPage /></Suspense> : <Pages context={context} me={me} />}
            </>
          )}
          <Flags />
        </ServicesContext.Provider>
      </ReaderContext.Provider>
    </I18nProvider>
  );
}

function Live() {
  useLive();
  return null;
}

/** What a module or, on our own origin, a role starts with. */
export function startPage({ moduleKey, projectKey }: Pick<HostContext, 'moduleKey' | 'projectKey'>, me: Pick<Me, 'role'>): Route {
  if (moduleKey === 'portal-profile' || me.role === 'customer') return { page: 'profile' };
  if (moduleKey === 'settings-page') return { page: 'settings', tab: 'customer' };
  if (moduleKey === 'project-customers' && projectKey) return { page: 'customers', id: null, query: `project = ${quoted(projectKey)}` };
  return { page: 'customers', id: null };
}

function Pages({ context, me }: { context: HostContext; me: Me }) {
  const hash = useRoute();
  if (context.moduleKey === 'customer-panel') {
    return context.issueKey ? <CustomerPanel issue={context.issueKey} /> : <main className="panel"><EmptyState icon="person" title={t('panel.nobody.title')} detail={t('panel.nobody.detail')} /></main>;
  }
  if (context.moduleKey === 'portal-request') return <Suspense fallback={<main className="help-details"><Skeleton rows={3} /></main>}><RequestDetails /></Suspense>;
  if (context.moduleKey === 'portal-menu') return <Suspense fallback={<main className="page"><Skeleton head rows={4} /></main>}><><ProfilePage /><CloseDialog /></></Suspense>;
  if (context.moduleKey === 'portal-profile' || me.role === 'customer') return <Suspense fallback={<main className="page"><Skeleton head rows={4} /></main>}><><ProfilePage /><SignOut /></></Suspense>;
  const route = hash.page === 'none' ? startPage(context, me) : hash;
  const mayConfigure = me.permissions.includes('configure');
  // Whom somebody chose of one request's people means nothing to the next.
  if (route.page === 'panel') return <><Top page={route.page} mayConfigure={mayConfigure} /><Failed key={route.issue}><CustomerPanel issue={route.issue} /></Failed></>;
  return <FullPages route={route} mayConfigure={mayConfigure} />;
}

/** The dialog is Jira's, and need not have a way out of its own. */
function CloseDialog() {
  const { transport } = useServices();
  return transport.close ? <div className="help-close"><Button onPress={() => transport.close?.()}>{t('help.close')}</Button></div> : null;
}

/** What stands over each of the pages: the way to the others, the search, and the way out. */
function Top({ page, mayConfigure }: { page: Route['page']; mayConfigure: boolean }) {
  const search = useQuickSearch();
  return (
    <>
      <Navigation page={page} mayConfigure={mayConfigure} onSearch={() => search.setOpen(true)} />
      {search.isOpen && <QuickSearch onClose={() => search.setOpen(false)} />}
    </>
  );
}

function FullPages({ route, mayConfigure }: { route: Exclude<Route, { page: 'panel' }>; mayConfigure: boolean }) {
  return (
    <>
      <Top page={route.page === 'bulk' ? `${route.entity}s` : route.page} mayConfigure={mayConfigure} />
      <main id="main" className="page" tabIndex={-1}>
        <Failed key={`${route.page}/${'id' in route ? route.id : ''}`}><Suspense fallback={<Skeleton head rows={5} />}>
          {route.page === 'profile' && <ProfilePage embedded />}
          {route.page === 'customers' && (route.id ? <CustomerPage key={route.id} accountId={route.id} /> : <CustomersPage asked={route} />)}
          {route.page === 'duplicates' && (route.kept && route.merged ? <MergePage key={`${route.kept} ${route.merged}`} kept={route.kept} merged={route.merged} /> : <DuplicatesPage />)}
          {route.page === 'organizations' && (route.id ? <OrganizationPage key={route.id} id={route.id} /> : <OrganizationsPage asked={route} />)}
          {route.page === 'bulk' && (route.id ? <BulkPage key={route.id} entity={route.entity} id={route.id} /> : <BulkListPage key={route.entity} entity={route.entity} />)}
          {route.page === 'settings' && (mayConfigure ? <SettingsPage tab={route.tab} id={route.id} /> : <EmptyState icon="settings" title={t('problem.refused.title')} detail={t('problem.refused.do')} />)}
        </Suspense></Failed>
      </main>
    </>
  );
}
