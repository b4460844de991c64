/** For administrators, on a customer's page: who saw their values, by name, and a copy for the customer who asks for one. */
import { href } from '../app/route';
import { t } from '../messages';
import { CopyButton } from './CopyButton';
import { Readings } from './Readings';

export function ReadBy({ accountId }: { accountId: string }) {
  return (
    <section className="card read-by">
      <p className="page-intro">{t('readings.tab.intro')}</p>
      <Readings accountId={accountId} none={t('readings.tab.none')} />
      <div className="held-copy">
        <CopyButton accountId={accountId} hash={href.customer(accountId)} />
        <span className="held-small">{t('readings.copy.help')}</span>
      </div>
    </section>
  );
}
