/** From the host's context to a page: who reads, in which language and light, and what they came for. */
import { lazy, Suspense, useEffect, useMemo, useState } from 'react';
import { QueryClientProvider, useQuery, type QueryClient } from '@tanstack/react-query';
import { I18nProvider } from 'react-aria-components';
import type { Calls } from '../api/calls';
import type { Me } from '../api/types';
import { Announcer } from '../kit/Announcer';
import { Flags } from '../kit/Flags';
import { EmptyState, ProblemNotice, Skeleton } from '../kit/Notice';
import { Offline } from '../kit/Offline';
import { t } from '../messages';
import { CustomerPanel, panelQuery } from '../panel/CustomerPanel';
import type { HostContext, Transport } from '../transport';
import { Navigation } from './Navigation';
import { readerFrom, ReaderContext, type Reader } from './reader';
import { useRoute, type Route } from './route';
import { ServicesContext } from './services';

// The panel stands beside every issue and is loaded at once; the other pages come when they are asked for.
const CustomerPage = lazy(async () => ({ default: (await import('../customers/CustomerPage')).CustomerPage }));
const CustomersPage = lazy(async () => ({ default: (await import('../customers/CustomersPage')).CustomersPage }));
const OrganizationPage = lazy(async () => ({ default: (await import('../customers/OrganizationPage')).OrganizationPage }));
const OrganizationsPage = lazy(async () => ({ default: (await import('../customers/OrganizationsPage')).OrganizationsPage }));
const ProfilePage = lazy(async () => ({ default: (await import('../profile/ProfilePage')).ProfilePage }));
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
      <Start calls={calls} client={client} transport={transport} />
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

  const failed = context.isError ? context : me.isError ? me : null;
  if (failed) return <main className="page"><h1 className="visually-hidden">{t('app.name')}</h1><ProblemNotice error={failed.error} forge={transport.kind === 'forge'} onRetry={() => void failed.refetch()} /></main>;
  if (!context.data || !me.data) return <main className={issue ? 'panel' : 'page'}><Skeleton head rows={5} /></main>;
  return <Ready calls={calls} transport={transport} context={context.data} me={me.data} />;
}

/** react-aria takes the direction of the keyboard from the locale; the texts are left to right until a translation says otherwise. */
const RIGHT_TO_LEFT = /^(ar|dv|fa|he|ku|ps|sd|ug|ur|yi)\b/;

function Ready({ calls, transport, context, me }: { calls: Calls; transport: Transport; context: HostContext; me: Me }) {
  const services = useMemo(() => ({ calls, transport, me }), [calls, transport, me]);
  const [reader] = useState<Reader>(() => readerFrom({ locale: me.locale, timeZone: me.timeZone }, context));
  return (
    <I18nProvider locale={RIGHT_TO_LEFT.test(reader.locale) ? 'en' : reader.locale}>
      <ReaderContext.Provider value={reader}>
        <ServicesContext.Provider value={services}>
          <Offline />
          <Pages context={context} me={me} />
          <Flags />
        </ServicesContext.Provider>
      </ReaderContext.Provider>
    </I18nProvider>
  );
}

/** What a module or, on our own origin, a role starts with. */
export function startPage(moduleKey: string | null, me: Pick<Me, 'role'>): Route {
  if (moduleKey === 'portal-profile' || me.role === 'customer') return { page: 'profile' };
  if (moduleKey === 'settings-page') return { page: 'settings', tab: 'customer' };
  return { page: 'customers', id: null };
}

function Pages({ context, me }: { context: HostContext; me: Me }) {
  const hash = useRoute();
  if (context.moduleKey === 'customer-panel') {
    return context.issueKey ? <CustomerPanel issue={context.issueKey} /> : <main className="panel"><EmptyState icon="person" title={t('panel.nobody.title')} detail={t('panel.nobody.detail')} /></main>;
  }
  if (context.moduleKey === 'portal-profile' || me.role === 'customer') return <Suspense fallback={<main className="page"><Skeleton head rows={4} /></main>}><ProfilePage /></Suspense>;
  const route = hash.page === 'none' ? startPage(context.moduleKey, me) : hash;
  if (route.page === 'panel') return <CustomerPanel issue={route.issue} />;
  const mayConfigure = me.permissions.includes('configure');
  return (
    <>
      <Navigation page={route.page} mayConfigure={mayConfigure} />
      <main id="main" className="page" tabIndex={-1}>
        <Suspense fallback={<Skeleton head rows={5} />}>
          {route.page === 'profile' && <ProfilePage embedded />}
          {route.page === 'customers' && (route.id ? <CustomerPage key={route.id} accountId={route.id} /> : <CustomersPage query={route.query ?? ''} />)}
          {route.page === 'organizations' && (route.id ? <OrganizationPage key={route.id} id={route.id} /> : <OrganizationsPage query={route.query ?? ''} />)}
          {route.page === 'settings' && (mayConfigure ? <SettingsPage tab={route.tab} /> : <EmptyState icon="settings" title={t('problem.refused.title')} detail={t('problem.refused.do')} />)}
        </Suspense>
      </main>
    </>
  );
}
