/** The customers' portal: whose site this is, who is signed in, their own requests and their own profile. */
import { useEffect } from 'react';
import { useQuery } from '@tanstack/react-query';
import { keys } from '../api/queries';
import { SignOut } from '../app/Navigation';
import { useRoute } from '../app/route';
import { useServices } from '../app/services';
import { Failed } from '../kit/Failed';
import { HostLink } from '../kit/HostLink';
import { t } from '../messages';
import { ProfilePage } from '../profile/ProfilePage';
import { OwnRequests } from './OwnRequests';

export function PortalPage() {
  const { calls } = useServices();
  const portal = useQuery({ queryKey: keys.portal, queryFn: () => calls.portal(), staleTime: Number.POSITIVE_INFINITY });
  const page = useRoute().page === 'profile' ? 'profile' : 'requests';
  const site = portal.data?.siteName ?? t('portal.name');
  useEffect(() => {
    document.title = `${t(page === 'profile' ? 'nav.profile' : 'portal.requests')} · ${site}`;
  }, [page, site]);
  const jira = portal.data?.jiraPortalUrl;
  return (
    <>
      <PortalHead site={site} page={page} />
      <main id="main" className="page page-portal" tabIndex={-1}>
        <Failed key={page}>
          {page === 'profile' ? <div className="portal-profile"><ProfilePage embedded /></div> : <OwnRequests />}
        </Failed>
        {jira && <p className="portal-jira"><HostLink href={jira}>{t('portal.jira')}</HostLink></p>}
      </main>
    </>
  );
}

function PortalHead({ site, page }: { site: string; page: 'profile' | 'requests' }) {
  const { me } = useServices();
  const links = [
    { page: 'requests', href: '#/requests', text: t('portal.requests') },
    { page: 'profile', href: '#/profile', text: t('nav.profile') },
  ];
  return (
    <header className="portal-head">
      <div className="portal-top">
        <a className="skip" href="#main" onClick={(e) => { e.preventDefault(); document.querySelector<HTMLElement>('main')?.focus(); }}>{t('app.skip')}</a>
        <span className="portal-site"><bdi>{site}</bdi></span>
        <span className="portal-person"><span className="visually-hidden">{t('portal.as')} </span><bdi>{me.displayName}</bdi></span>
        <SignOut />
      </div>
      <nav className="nav portal-nav" aria-label={t('nav.main')}>
        <ul>
          {links.map((l) => <li key={l.page}><a href={l.href} aria-current={l.page === page ? 'page' : undefined}>{l.text}</a></li>)}
        </ul>
      </nav>
    </header>
  );
}
