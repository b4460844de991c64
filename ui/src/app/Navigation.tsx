import { Button } from '../kit/Button';
import { t } from '../messages';
import { SHORTCUT } from '../search/QuickSearch';
import { PORTAL } from '../transport/portal';
import { href, type Route } from './route';
import { useServices } from './services';

/** The pages, for those who may see them. Plain links: they open in new tabs and are walked like any others. */
export function Navigation({ page, mayConfigure, onSearch }: { page: Route['page']; mayConfigure: boolean; onSearch: () => void }) {
  const links = [
    { page: 'customers', href: href.customers, text: t('nav.customers') },
    { page: 'organizations', href: href.organizations, text: t('nav.organizations') },
    ...(mayConfigure ? [{ page: 'settings', href: href.settings('customer'), text: t('nav.settings') }] : []),
  ];
  return (
    <nav className="nav" aria-label={t('nav.main')}>
      {/* As a link of the router it would change the page; it only moves the focus. */}
      <a className="skip" href="#main" onClick={(e) => { e.preventDefault(); document.querySelector<HTMLElement>('main')?.focus(); }}>{t('app.skip')}</a>
      <span className="nav-name">{t('app.name')}</span>
      <ul>
        {links.map((l) => <li key={l.page}><a href={l.href} aria-current={l.page === (page === 'duplicates' ? 'customers' : page) ? 'page' : undefined}>{l.text}</a></li>)}
      </ul>
      <span className="nav-end"><Button kind="subtle" small icon="search" onPress={onSearch}><span className="nav-search">{t('search.open')}<kbd aria-hidden="true">{SHORTCUT}</kbd></span></Button></span>
      <SignOut />
    </nav>
  );
}

/** Ends the session of our own origin; in Jira there is none to end. The page then says that nobody is signed in. */
export function SignOut() {
  const { calls, transport } = useServices();
  if (transport.kind !== 'session') return null;
  const leave = () => {
    // Signed out already, or the server is away: the page that comes says which.
    void calls.signOut().catch(() => undefined).finally(() => window.location.assign(transport.portal ? PORTAL : '/app/'));
  };
  return <span className="nav-end"><Button kind="subtle" small onPress={leave}>{t('nav.sign_out')}</Button></span>;
}
