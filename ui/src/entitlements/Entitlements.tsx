/** What an organization is entitled to, with its history; whoever may edit gives, changes and withdraws. */
import { useState } from 'react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { keys } from '../api/queries';
import type { Entitlement, Terms } from '../api/types';
import { useMay, useServices } from '../app/services';
import { Button, IconButton } from '../kit/Button';
import { showFlag } from '../kit/flags';
import { ProblemNotice, Skeleton } from '../kit/Notice';
import { showProblem } from '../adding/useAdding';
import { t } from '../messages';
import { byUrgency } from './days';
import { EntitlementDialog } from './EntitlementDialog';
import { EntitlementHistory } from './EntitlementHistory';
import { EntitlementItem } from './EntitlementItem';

type Open = { what: 'add' } | { what: 'edit'; entitlement: Entitlement } | { what: 'history' };

interface Props {
  organization: { id: string; name: string };
  /** In the panel: only as much as is there, without a heading of its own where there is nothing. */
  compact?: boolean;
}

export function Entitlements({ organization, compact = false }: Props) {
  const { calls } = useServices();
  const client = useQueryClient();
  const mayEdit = useMay('edit');
  const list = useQuery({ queryKey: keys.entitlements(organization.id), queryFn: () => calls.entitlements(organization.id) });
  const products = useQuery({ queryKey: keys.products, queryFn: () => calls.products(), enabled: mayEdit });
  const [open, setOpen] = useState<Open | null>(null);
  const Title = compact ? 'h3' : 'h2';
  if (list.isPending) return compact ? null : <Skeleton rows={2} />;
  if (!list.data) return <ProblemNotice error={list.error} onRetry={() => void list.refetch()} />;

  const again = () => Promise.all([['entitlements', organization.id], ['entitlementHistory', organization.id], ['panel']].map((queryKey) => client.invalidateQueries({ queryKey })));
  const close = () => setOpen(null);
  const withdraw = async (entitlement: Entitlement) => {
    const name = entitlement.productName;
    try {
      const gone = await calls.withdrawEntitlement(organization.id, entitlement);
      const back = async () => {
        try {
          await calls.setEntitlement(organization.id, { productId: entitlement.productId, version: gone.version }, entitlement.terms as Terms);
          showFlag({ tone: 'success', text: t('entitlements.history.restored', { name }) });
        } catch (error) {
          showProblem(error);
        }
        await again();
      };
      showFlag({ tone: 'success', text: t('entitlements.withdrawn', { name }), action: { label: t('act.undo'), run: () => void back() } });
    } catch (error) {
      showProblem(error);
    }
    await again();
  };
  // Where there are no products at all, nobody asks after entitlements.
  const offered = (products.data ?? []).filter((product) => !product.retired && !list.data.some((one) => one.productId === product.id));
  const used = (products.data ?? []).length > 0;
  if (compact && list.data.length === 0) return null;
  if (!compact && list.data.length === 0 && !used) return null;
  return (
    <section className={compact ? 'entitlements entitlements-compact' : 'entitlements card'} aria-label={`${t('entitlements.title')}: ${organization.name}`}>
      <header className="entitlements-head">
        <Title className={compact ? 'section-title' : 'side-title'}>{t('entitlements.title')}</Title>
        <span className="entitlements-actions">
          {!compact && <IconButton icon="history" label={t('entitlements.history')} onPress={() => setOpen({ what: 'history' })} />}
          {!compact && mayEdit && <Button small icon="add" onPress={() => setOpen({ what: 'add' })}>{t('entitlements.add')}</Button>}
        </span>
      </header>
      {list.data.length === 0 && <p className="control-help">{t('entitlements.none')}</p>}
      <ul className="entitlement-list">
        {byUrgency(list.data).map((one) => (
          <EntitlementItem key={one.productId} entitlement={one} actions={!compact && mayEdit && (
            <>
              <IconButton icon="edit" label={t('entitlements.edit', { name: one.productName })} onPress={() => setOpen({ what: 'edit', entitlement: one })} />
              <IconButton icon="close" label={t('entitlements.withdraw', { name: one.productName })} onPress={() => void withdraw(one)} />
            </>
          )} />
        ))}
      </ul>
      {(open?.what === 'add' || open?.what === 'edit') && (
        <EntitlementDialog organization={organization} entitlement={open.what === 'edit' ? open.entitlement : null} offered={offered} onClose={close}
          onSaved={(name) => { close(); showFlag({ tone: 'success', text: t('entitlements.saved', { name }) }); void again(); }} onChanged={() => void again()} />
      )}
      {open?.what === 'history' && <EntitlementHistory organization={organization} standing={list.data} mayEdit={mayEdit} onRestored={() => void again()} onClose={close} />}
    </section>
  );
}
