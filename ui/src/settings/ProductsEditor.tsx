/** The site's products: made, renamed, opened to customers, retired and brought back. */
import { useState } from 'react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Checkbox, Form } from 'react-aria-components';
import { asProblem, errorAt, type ApiProblem } from '../api/problem';
import { keys } from '../api/queries';
import type { Product } from '../api/types';
import { useServices } from '../app/services';
import { showProblem } from '../adding/useAdding';
import { Button, IconButton } from '../kit/Button';
import { DialogBox } from '../kit/Dialogs';
import { TextInput } from '../kit/fields';
import { showFlag } from '../kit/flags';
import { Icon } from '../kit/Icon';
import { EmptyState, ProblemNotice, Skeleton } from '../kit/Notice';
import { t } from '../messages';

const LONGEST_NAME = 100;

export function ProductsEditor() {
  const { calls } = useServices();
  const client = useQueryClient();
  const products = useQuery({ queryKey: keys.products, queryFn: () => calls.products() });
  const [open, setOpen] = useState<{ product: Product | null } | null>(null);
  if (products.isPending) return <Skeleton rows={4} />;
  if (!products.data) return <ProblemNotice error={products.error} onRetry={() => void products.refetch()} />;

  const again = () => Promise.all([['products'], ['entitlements'], ['panel']].map((queryKey) => client.invalidateQueries({ queryKey })));
  const retire = async (product: Product, retired: boolean) => {
    try {
      const now = await calls.setProduct(product, { name: product.name, audience: product.audience, retired });
      showFlag({
        tone: 'success', text: t(retired ? 'products.retired.done' : 'products.brought', { name: product.name }),
        action: retired ? { label: t('act.undo'), run: () => void retire(now, false) } : undefined,
      });
    } catch (error) {
      showProblem(error);
    }
    await again();
  };
  const add = <Button kind="primary" icon="add" onPress={() => setOpen({ product: null })}>{t('products.add')}</Button>;
  const sorted = [...products.data].sort((a, b) => Number(a.retired) - Number(b.retired));
  return (
    <div className="tokens">
      <div className="editor-head">
        <p className="page-intro">{t('products.intro')}</p>
        {sorted.length > 0 && <div className="editor-actions">{add}</div>}
      </div>
      {sorted.length === 0 && <EmptyState icon="section" title={t('products.none.title')} detail={t('products.none.detail')}>{add}</EmptyState>}
      {sorted.length > 0 && (
        <ul className="token-list" aria-label={t('settings.products')}>
          {sorted.map((product) => (
            <li key={product.id} className="token card">
              <p className="token-name token-text">
                <bdi>{product.name}</bdi>
                {product.audience === 'customerView' && <span className="lozenge" data-audience="customerView">{t('products.open')}</span>}
                {product.retired && <span className="lozenge">{t('products.retired')}</span>}
              </p>
              <div className="entitlement-actions">
                <IconButton icon="edit" label={t('products.edit', { name: product.name })} onPress={() => setOpen({ product })} />
                <Button small aria-label={t(product.retired ? 'products.bring.named' : 'products.retire.named', { name: product.name })} onPress={() => void retire(product, !product.retired)}>{t(product.retired ? 'products.bring' : 'products.retire')}</Button>
              </div>
            </li>
          ))}
        </ul>
      )}
      {open && (
        <ProductDialog product={open.product} onClose={() => setOpen(null)}
          onSaved={(saved) => { setOpen(null); showFlag({ tone: 'success', text: t('products.saved', { name: saved.name }) }); void again(); }} />
      )}
    </div>
  );
}

function ProductDialog({ product, onSaved, onClose }: { product: Product | null; onSaved: (product: Product) => void; onClose: () => void }) {
  const { calls } = useServices();
  const [name, setName] = useState(product?.name ?? '');
  const [shown, setShown] = useState(product?.audience === 'customerView');
  const [wrong, setWrong] = useState<string | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    setProblem(null);
    if (name.trim() === '') return setWrong(t('products.name.missing'));
    if (busy) return;
    setBusy(true);
    const body = { name: name.trim(), audience: shown ? 'customerView' as const : 'agents' as const, retired: product?.retired ?? false };
    try {
      onSaved(await (product ? calls.setProduct(product, body) : calls.addProduct(body)));
    } catch (error) {
      const failed = asProblem(error);
      const atName = errorAt(failed, '/name');
      setWrong(atName ?? null);
      if (!atName) setProblem(failed);
      setBusy(false);
    }
  };
  return (
    <DialogBox title={product ? t('products.edit', { name: product.name }) : t('products.add')} onClose={onClose} dismissable={false}
      foot={<><Button kind="subtle" onPress={onClose}>{t('act.cancel')}</Button><Button kind="primary" onPress={() => void submit()} isDisabled={busy}>{t(busy ? 'status.saving' : product ? 'act.save' : 'act.add')}</Button></>}>
      <Form className="form" onSubmit={(e) => { e.preventDefault(); void submit(); }}>
        {problem && <ProblemNotice error={problem} />}
        <TextInput label={t('products.name')} required value={name} onChange={(v) => { setName(v); setWrong(null); }} error={wrong} maxLength={LONGEST_NAME} autoFocus />
        <Checkbox className="checkbox" isSelected={shown} onChange={setShown}>
          <span className="checkbox-box"><Icon name="check" small /></span>
          <span className="choice-text"><span>{t('products.audience')}</span><span className="choice-detail">{t('products.audience.help')}</span></span>
        </Checkbox>
      </Form>
    </DialogBox>
  );
}
