/** One entitlement as it is read: the product, what it is today, its days and limit, its note. */
import { useState, type ReactNode } from 'react';
import type { Entitlement } from '../api/types';
import { useReader } from '../app/reader';
import { t } from '../messages';
import { daysText, limitText, stateText } from './days';

const TONES = { upcoming: 'lozenge-new', active: 'lozenge-success', expiring: 'lozenge-warning', expired: 'lozenge-danger' } as const;

/** In a table: the names of products, with what ends soon or has not begun. */
export function EntitlementNames({ all }: { all: Entitlement[] }) {
  const reader = useReader();
  const [now] = useState(() => new Date());
  return (
    <span className="entitlement-names">
      {all.map((one) => (
        <span key={one.productId} className="entitlement-short">
          <bdi>{one.productName}</bdi>
          {one.state && one.state !== 'active' && <span className={`lozenge ${TONES[one.state]}`}>{stateText(one, reader, now)}</span>}
        </span>
      ))}
    </span>
  );
}

export function EntitlementItem({ entitlement, actions }: { entitlement: Entitlement; actions?: ReactNode }) {
  const reader = useReader();
  const [now] = useState(() => new Date());
  const { terms, state, productName, productRetired } = entitlement;
  if (!terms || !state) return null;
  const limit = limitText(terms, reader);
  return (
    <li className="entitlement" data-state={state}>
      <div className="entitlement-text">
        <p className="entitlement-name">
          <bdi>{productName}</bdi>
          <span className={`lozenge ${TONES[state]}`}>{stateText(entitlement, reader, now)}</span>
          {productRetired && <span className="lozenge">{t('products.retired')}</span>}
        </p>
        <p className="entitlement-facts">
          <span>{daysText(terms, reader)}</span>
          {limit && <span><bdi>{limit}</bdi></span>}
        </p>
        {terms.note && <p className="entitlement-note" dir="auto">{terms.note}</p>}
      </div>
      {actions && <div className="entitlement-actions">{actions}</div>}
    </li>
  );
}
