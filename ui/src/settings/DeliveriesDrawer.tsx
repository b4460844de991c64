/** What became of a webhook's messages, newest first; and sending one, or a span of days, once more. */
import { useState } from 'react';
import { parseDate, type CalendarDate } from '@internationalized/date';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { asProblem } from '../api/problem';
import { keys } from '../api/queries';
import type { Delivery, DeliveryState, Webhook } from '../api/types';
import { useReader } from '../app/reader';
import { useServices } from '../app/services';
import { Button } from '../kit/Button';
import { Drawer } from '../kit/Dialogs';
import { ChoiceInput, DayInput, RadioInput } from '../kit/fields';
import { showFlag } from '../kit/flags';
import { EmptyState, ProblemNotice, Skeleton } from '../kit/Notice';
import { t } from '../messages';
import { formatInstant } from '../values/format';
import { edgeOf } from './webhooks';

const STATES: readonly DeliveryState[] = ['waiting', 'delivered', 'failed'];
const REFRESH_MS = 3_000;

export function DeliveriesDrawer({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const { calls } = useServices();
  const client = useQueryClient();
  const [state, setState] = useState<string | null>(null);
  const [span, setSpan] = useState(false);
  const log = useInfiniteQuery({
    queryKey: keys.deliveries(webhook.id, state),
    queryFn: ({ pageParam }) => calls.deliveries(webhook.id, state, pageParam),
    initialPageParam: '',
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    // Opened again after a message was sent, it would lack the one that it was opened for.
    staleTime: 0,
    // What waits arrives while somebody looks.
    refetchInterval: (query) => (query.state.data?.pages.some((page) => page.items.some((d) => d.state === 'waiting')) ? REFRESH_MS : false),
  });
  const again = () => client.invalidateQueries({ queryKey: ['deliveries', webhook.id] });
  const on = webhook.state === 'on';
  const replay = async (delivery: Delivery) => {
    try {
      await calls.replayDelivery(webhook.id, delivery.sequence);
      showFlag({ tone: 'success', text: t('webhooks.replayed') });
    } catch (error) {
      const problem = asProblem(error);
      showFlag({ tone: 'error', text: problem.detail ?? t(`problem.${problem.kind}.title`) });
    }
    await again();
  };
  const shown = log.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Drawer title={t('webhooks.log')} subtitle={webhook.name} onClose={onClose}>
      <div className="form">
        {span
          ? <SpanForm webhook={webhook} onDone={() => { setSpan(false); void again(); }} onCancel={() => setSpan(false)} />
          : (
            <div className="delivery-head">
              <ChoiceInput label={t('webhooks.log.state')} value={state} onChange={setState} none={t('webhooks.log.all')} choices={STATES.map((id) => ({ id, label: t(`webhooks.state.${id}`) }))} />
              {on && <Button icon="history" onPress={() => setSpan(true)}>{t('webhooks.span')}</Button>}
            </div>
          )}
        {log.isPending && <Skeleton rows={5} />}
        {log.error && <ProblemNotice error={log.error} onRetry={() => void log.refetch()} />}
        {log.data && shown.length === 0 && <EmptyState icon="clock" title={t('webhooks.log.none.title')} detail={t('webhooks.log.none.detail')} />}
        {shown.length > 0 && (
          <ol className="deliveries" aria-label={t('webhooks.log')}>
            {shown.map((d) => <DeliveryItem key={d.sequence} delivery={d} {...(on && d.state !== 'waiting' ? { onReplay: () => void replay(d) } : {})} />)}
          </ol>
        )}
        {log.hasNextPage && <Button onPress={() => void log.fetchNextPage()} isDisabled={log.isFetchingNextPage}>{t('act.more')}</Button>}
      </div>
    </Drawer>
  );
}

function DeliveryItem({ delivery, onReplay }: { delivery: Delivery; onReplay?: () => void }) {
  const reader = useReader();
  const tone = { delivered: 'lozenge-success', failed: 'lozenge-danger', waiting: 'lozenge-warning' }[delivery.state as DeliveryState];
  const when = formatInstant(delivery.happenedAt, reader);
  const why = delivery.status ? t('webhooks.answered', { status: String(delivery.status) }) : delivery.error ? t('webhooks.unreached') : null;
  return (
    <li className="delivery">
      <div className="token-text">
        <p className="token-name"><code dir="ltr">{delivery.type}</code> <span className={`lozenge ${tone}`}>{t(`webhooks.state.${delivery.state as DeliveryState}`)}</span></p>
        <p className="shelf-facts">
          <span>{when}</span>
          <span>{t('webhooks.number', { number: String(delivery.sequence) })}</span>
          {delivery.attempts > 0 && <span>{t('webhooks.tries', { count: String(delivery.attempts) })}</span>}
          {why && <span>{why}</span>}
          {delivery.nextAttemptAt && <span>{t('webhooks.next', { when: formatInstant(delivery.nextAttemptAt, reader) })}</span>}
        </p>
      </div>
      {onReplay && <Button small onPress={onReplay} aria-label={t('webhooks.replay.named', { type: delivery.type ?? '', when })}>{t('webhooks.replay')}</Button>}
    </li>
  );
}

/** Days of the span, on the reader's clock. */
function SpanForm({ webhook, onDone, onCancel }: { webhook: Webhook; onDone: () => void; onCancel: () => void }) {
  const { calls } = useServices();
  const [today] = useState(() => parseDate(new Date().toLocaleDateString('sv')));
  const [from, setFrom] = useState<CalendarDate | null>(today);
  const [to, setTo] = useState<CalendarDate | null>(today);
  const [which, setWhich] = useState('missed');
  const [wrong, setWrong] = useState<string | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    const [start, end] = [from && edgeOf(from.toString(), 'start'), to && edgeOf(to.toString(), 'end')];
    if (!start || !end || start > end) {
      setWrong(t('webhooks.span.wrong'));
      return;
    }
    setBusy(true);
    try {
      const sent = await calls.replaySpan(webhook.id, { from: start, to: end, deliveredToo: which === 'all' });
      showFlag({ tone: sent.first === null ? 'error' : 'success', text: t(sent.first === null ? 'webhooks.span.none' : 'webhooks.replayed') });
      onDone();
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };
  return (
    <div className="form card">
      {problem !== null && <ProblemNotice error={problem} />}
      <p className="page-intro">{t('webhooks.span.intro')}</p>
      <div className="form-pair">
        <DayInput label={t('webhooks.span.from')} value={from} onChange={(v) => { setFrom(v as CalendarDate | null); setWrong(null); }} granularity="day" />
        <DayInput label={t('webhooks.span.to')} value={to} onChange={(v) => { setTo(v as CalendarDate | null); setWrong(null); }} granularity="day" error={wrong} />
      </div>
      <RadioInput label={t('webhooks.span.which')} value={which} onChange={setWhich} choices={[{ id: 'missed', label: t('webhooks.span.missed') }, { id: 'all', label: t('webhooks.span.all') }]} />
      <div className="editor-actions">
        <Button kind="primary" onPress={() => void submit()} isDisabled={busy}>{t('webhooks.replay')}</Button>
        <Button kind="subtle" onPress={onCancel}>{t('act.cancel')}</Button>
      </div>
    </div>
  );
}
