/** Giving an organization an entitlement, or changing one. */
import { useState } from 'react';
import { parseDate, type DateValue } from '@internationalized/date';
import { Form } from 'react-aria-components';
import { asProblem, errorAt, type ApiProblem } from '../api/problem';
import type { Entitlement, Product, Terms } from '../api/types';
import { useReader } from '../app/reader';
import { useServices } from '../app/services';
import { Button } from '../kit/Button';
import { DialogBox } from '../kit/Dialogs';
import { ChoiceInput, DayInput, LongTextInput, NumberInput, TextInput } from '../kit/fields';
import { ProblemNotice } from '../kit/Notice';
import { t } from '../messages';
import { numberText, parseNumber } from '../values/number';

const LONGEST_UNIT = 100;
const PLACES = ['startsOn', 'endsOn', 'limit', 'unit', 'note'] as const;
type Wrong = Partial<Record<(typeof PLACES)[number] | 'product', string>>;

interface Props {
  organization: { id: string; name: string };
  /** The one that is changed; a new one without. */
  entitlement: Entitlement | null;
  /** Products that the organization does not have. */
  offered: Product[];
  onSaved: (name: string) => void;
  /** Somebody was faster. */
  onChanged: () => void;
  onClose: () => void;
}

const day = (text: string | null | undefined): DateValue | null => {
  try {
    return text ? parseDate(text) : null;
  } catch {
    return null;
  }
};

export function EntitlementDialog({ organization, entitlement, offered, onSaved, onChanged, onClose }: Props) {
  const { calls } = useServices();
  const reader = useReader();
  const held = entitlement?.terms;
  const [product, setProduct] = useState<string | null>(entitlement?.productId ?? (offered.length === 1 ? (offered[0]?.id ?? null) : null));
  const [starts, setStarts] = useState<DateValue | null>(() => day(held?.startsOn));
  const [ends, setEnds] = useState<DateValue | null>(() => day(held?.endsOn));
  const [limit, setLimit] = useState<number | null>(held?.limit ?? null);
  const [unit, setUnit] = useState(held?.unit ?? '');
  const [note, setNote] = useState(held?.note ?? '');
  const [wrong, setWrong] = useState<Wrong>({});
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async () => {
    const missing: Wrong = {};
    if (!product) missing.product = t('entitlements.product.missing');
    if (limit !== null && !(limit >= 0)) missing.limit = t('entitlements.limit.wrong');
    setWrong(missing);
    setProblem(null);
    if (!product || missing.limit || busy) return;
    setBusy(true);
    const terms: Terms = { startsOn: starts?.toString() ?? null, endsOn: ends?.toString() ?? null, limit, unit: unit.trim() || null, note: note.trim() || null };
    try {
      const version = entitlement?.version ?? (await calls.entitlementVersion(organization.id, product));
      const saved = await calls.setEntitlement(organization.id, { productId: product, version }, terms);
      onSaved(saved.productName);
    } catch (error) {
      const failed = asProblem(error);
      const told = PLACES.map((place) => [place, errorAt(failed, `/${place}`)] as const).filter(([, text]) => text);
      setWrong(Object.fromEntries(told));
      if (failed.kind === 'conflict') onChanged();
      if (told.length === 0) setProblem(failed);
      setBusy(false);
    }
  };

  const nothing = !entitlement && offered.length === 0;
  return (
    <DialogBox title={entitlement ? t('entitlements.edit', { name: entitlement.productName }) : t('entitlements.add')} subtitle={organization.name} onClose={onClose} dismissable={false}
      foot={<><Button kind="subtle" onPress={onClose}>{t('act.cancel')}</Button>{!nothing && <Button kind="primary" onPress={() => void submit()} isDisabled={busy}>{t(busy ? 'status.saving' : entitlement ? 'act.save' : 'act.add')}</Button>}</>}>
      {nothing ? <p>{t('entitlements.product.none')}</p> : (
        <Form className="form" onSubmit={(e) => { e.preventDefault(); void submit(); }}>
          {problem && <ProblemNotice error={problem} />}
          {!entitlement && (
            <ChoiceInput label={t('entitlements.product')} required value={product} onChange={(id) => { setProduct(id); setWrong({ ...wrong, product: '' }); }} error={wrong.product}
              choices={offered.map(({ id, name }) => ({ id, label: name }))} autoFocus />
          )}
          <div className="form-pair">
            <DayInput label={t('entitlements.starts')} value={starts} onChange={setStarts} granularity="day" error={wrong.startsOn} />
            <DayInput label={t('entitlements.ends')} value={ends} onChange={setEnds} granularity="day" error={wrong.endsOn} help={t('entitlements.ends.help')} />
          </div>
          <div className="form-pair">
            <NumberInput label={t('entitlements.limit')} value={limit} onChange={setLimit} parse={(text) => parseNumber(text, reader.locale)} format={(value) => numberText(value, reader.locale)} error={wrong.limit} />
            <TextInput label={t('entitlements.unit')} value={unit} onChange={setUnit} maxLength={LONGEST_UNIT} help={t('entitlements.unit.help')} error={wrong.unit} />
          </div>
          <LongTextInput label={t('entitlements.note')} value={note} onChange={setNote} rows={3} help={t('entitlements.note.help')} error={wrong.note} />
        </Form>
      )}
    </DialogBox>
  );
}
