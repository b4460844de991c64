import type { ReactNode } from 'react';
import { useServices } from '../app/services';
import { t } from '../messages';
import { Icon } from './Icon';

/** An address is text of somebody else's: nothing of it may become a parameter of the link. */
export function mailto(address: string): string {
  return `mailto:${encodeURIComponent(address).replaceAll('%40', '@')}`;
}

/** A link that leaves this page. In Jira's frame the host opens it: a sandboxed frame may not. */
export function HostLink({ href, children, className = 'link', plain = false }: { href: string; children: ReactNode; className?: string; plain?: boolean }) {
  const { transport } = useServices();
  const tab = /^https?:|^\//.test(href);
  return (
    <a href={href} target={tab ? '_blank' : undefined} rel="noopener noreferrer" className={className}
      onClick={(event) => {
        event.stopPropagation();
        if (transport.kind !== 'forge') return;
        event.preventDefault();
        transport.openTab(new URL(href, window.location.href).href);
      }}>
      <bdi>{children}</bdi>
      {!plain && <Icon name="external" small />}
      {tab && <span className="visually-hidden"> {t('panel.newtab')}</span>}
    </a>
  );
}
