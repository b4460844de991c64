/** Who this is: name, e-mail, their time and language, their requests. */
import { useEffect, useState, type ReactNode } from 'react';
import { useReader } from '../app/reader';
import type { Counts, Customer } from '../api/types';
import { Avatar } from '../kit/Avatar';
import { IconButton } from '../kit/Button';
import { copyText } from '../kit/copy';
import { HostLink, mailto } from '../kit/HostLink';
import { Icon } from '../kit/Icon';
import { t, tn } from '../messages';
import { formatLanguage, formatLocalTime } from '../values/format';

/** The clock on the wall moves by minutes. */
const TICK_MS = 20_000;

function useNow(): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}

export function LocalTime({ timeZone }: { timeZone: string }) {
  const reader = useReader();
  return <>{formatLocalTime(useNow(), timeZone, reader)}</>;
}

export function CountLinks({ counts }: { counts: Counts }) {
  return (
    <div className="counts" role="group" aria-label={t('panel.requests')}>
      <Count url={counts.openUrl} className="count count-open">{tn('panel.open', counts.open)}</Count>
      <Count url={counts.closedUrl} className="count">{tn('panel.closed', counts.closed)}</Count>
    </div>
  );
}

/** A link to Jira's search, or the number alone while the site's address is not known. */
function Count({ url, className, children }: { url: string | null | undefined; className: string; children: ReactNode }) {
  return url ? <HostLink href={url} className={className} plain>{children}</HostLink> : <span className={className}>{children}</span>;
}

interface Props {
  customer: Customer;
  /** null when Jira could not be asked. */
  counts: Counts | null | undefined;
  timeZone: string | null;
  locale: string | null;
  /** Stands after the name, for example the switcher of the panel. */
  aside?: ReactNode;
}

export function PersonCard({ customer, counts, timeZone, locale, aside }: Props) {
  const reader = useReader();
  return (
    <header className="person">
      <div className="person-top">
        <Avatar name={customer.displayName} />
        <div className="person-names">
          <h1 className="person-name">
            <bdi>{customer.displayName}</bdi>
            {!customer.active && <span className="lozenge lozenge-off">{t('panel.inactive')}</span>}
          </h1>
          {customer.emailAddress ? (
            <p className="person-email">
              <HostLink href={mailto(customer.emailAddress)} plain>{customer.emailAddress}</HostLink>
              <IconButton icon="copy" label={t('panel.email.copy')} onPress={() => void copyText(customer.emailAddress ?? '')} />
            </p>
          ) : (
            <p className="person-email person-unseen">{t('panel.email.hidden')}</p>
          )}
        </div>
        {aside}
      </div>
      {(timeZone || locale) && (
        <dl className="person-facts">
          {timeZone && <div><dt><Icon name="clock" small /><span className="visually-hidden">{t('panel.localtime')}</span></dt><dd><LocalTime timeZone={timeZone} /></dd></div>}
          {locale && <div><dt><Icon name="language" small /><span className="visually-hidden">{t('panel.language')}</span></dt><dd>{formatLanguage(locale, reader)}</dd></div>}
        </dl>
      )}
      {counts && <CountLinks counts={counts} />}
    </header>
  );
}
