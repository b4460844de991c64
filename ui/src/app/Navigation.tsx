import { t } from '../messages';
import { href, type Route } from './route';

/** The pages, for those who may see them. Plain links: they open in new tabs and are walked like any others. */
export function Navigation({ page, mayConfigure }: { page: Route['page']; mayConfigure: boolean }) {
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
        {links.map((l) => <li key={l.page}><a href={l.href} aria-current={l.page === page ? 'page' : undefined}>{l.text}</a></li>)}
      </ul>
    </nav>
  );
}
