/** What becomes of each value, those that do not convert first; as a file too. */
import { useState } from 'react';
import { ToggleButton, ToggleButtonGroup } from 'react-aria-components';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { asProblem, problemOf } from '../api/problem';
import { keys } from '../api/queries';
import type { ImportOutcome, TypeChange } from '../api/types';
import { useFullPage } from '../app/fullPage';
import { useReader } from '../app/reader';
import { href } from '../app/route';
import { useServices } from '../app/services';
import { Button } from '../kit/Button';
import { showFlag } from '../kit/flags';
import { ProblemNotice, Skeleton } from '../kit/Notice';
import { saveFile } from '../kit/saveFile';
import { t } from '../messages';

/** Nobody is made by a change of type. */
type Outcome = Exclude<ImportOutcome, 'made'>;
const OUTCOMES: readonly Outcome[] = ['refused', 'changed', 'overtaken'];

export function TypeChangeRows({ one }: { one: TypeChange }) {
  const { calls } = useServices();
  const { locale } = useReader();
  const shown = OUTCOMES.filter((o) => o !== 'overtaken' || one.rows.overtaken > 0);
  const [chosen, setChosen] = useState<Outcome>(() => shown.find((o) => one.rows[o] > 0) ?? 'changed');
  const list = useInfiniteQuery({
    queryKey: keys.typeChangeRows(one.id, chosen, one.updatedAt),
    queryFn: ({ pageParam }) => calls.typeChangeRows(one.id, chosen, pageParam ?? undefined),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor ?? null,
  });
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  if (OUTCOMES.every((o) => one.rows[o] === 0)) return null;
  return (
    <section className="import-part">
      <div className="editor-head">
        <ToggleButtonGroup className="import-counts" aria-label={t('types.outcome')} selectionMode="single" disallowEmptySelection selectedKeys={[chosen]}
          onSelectionChange={(keysChosen) => { const [first] = keysChosen; if (first) setChosen(first as Outcome); }}>
          {shown.map((o) => (
            <ToggleButton key={o} id={o} className={one.rows[o] > 0 ? `import-count import-count-${o}` : 'import-count'}>
              <span className="import-number">{new Intl.NumberFormat(locale).format(one.rows[o])}</span>
              <span>{t(`types.outcome.${o}`)}</span>
            </ToggleButton>
          ))}
        </ToggleButtonGroup>
        <Download one={one} />
      </div>
      {list.isPending && <Skeleton rows={4} />}
      {list.isError && <ProblemNotice error={list.error} onRetry={() => void list.refetch()} />}
      {list.isSuccess && rows.length === 0 && <p className="page-intro">{t(one.rows[chosen] > 0 ? 'types.gone' : 'imports.report.none')}</p>}
      {rows.length > 0 && (
        <ul className="import-rows">
          {rows.map((row) => (
            <li key={row.ownerId} className="import-row">
              <p className="import-whose"><Owner one={one} id={row.ownerId} name={row.ownerName ?? null} /></p>
              <p className="type-becomes">
                <bdi className="import-from">{row.from}</bdi> <span aria-hidden="true">→</span><span className="visually-hidden">{t('types.becomes')}</span>{' '}
                {row.to === null || row.to === undefined ? <span className="value-empty">{t('types.empty')}</span> : <bdi className="import-to">{row.to}</bdi>}
              </p>
              {row.detail && <p className="import-error">{row.detail}</p>}
            </li>
          ))}
        </ul>
      )}
      {list.hasNextPage && <div className="table-more"><Button onPress={() => void list.fetchNextPage()} isDisabled={list.isFetchingNextPage}>{t('act.more')}</Button></div>}
    </section>
  );
}

function Owner({ one, id, name }: { one: TypeChange; id: string; name: string | null }) {
  return <a className="link" href={one.entity === 'customer' ? href.customer(id) : href.organization(id)}><bdi>{name ?? t('types.nobody')}</bdi></a>;
}

function Download({ one }: { one: TypeChange }) {
  const { transport } = useServices();
  const openFull = useFullPage();
  const [busy, setBusy] = useState(false);
  const download = transport.download?.bind(transport);
  const take = async () => {
    if (!download) return openFull(href.typeChange(one.entity, one.fieldId));
    setBusy(true);
    try {
      const { status, headers, file } = await download(`/api/v1/type-changes/${one.id}/report`, '{}');
      if (status !== 200) throw problemOf(status, JSON.parse(await file.text()) as unknown, headers['retry-after'] ?? null);
      saveFile(file, 'type-change.csv');
    } catch (error) {
      const problem = asProblem(error);
      showFlag({ tone: 'error', text: problem.detail ?? t(`problem.${problem.kind}.do`) });
    } finally {
      setBusy(false);
    }
  };
  return <Button icon="export" onPress={() => void take()} isDisabled={busy}>{t('types.report')}{!download && <span className="visually-hidden"> {t('panel.newtab')}</span>}</Button>;
}

/** Values that somebody wrote after the change of type. */
export function KeptValues({ one }: { one: TypeChange }) {
  const { calls } = useServices();
  const kept = useQuery({ queryKey: keys.typeChangeKept(one.id), queryFn: () => calls.typeChangeKept(one.id) });
  return (
    <section className="import-part">
      <h3 className="permission-title">{t('types.kept.title')}</h3>
      <p className="page-intro">{t('types.kept.detail')}</p>
      {kept.isError && <ProblemNotice error={kept.error} onRetry={() => void kept.refetch()} />}
      <ul className="import-rows">
        {kept.data?.items.map((value) => <li key={value.changeId} className="import-row"><p className="import-whose"><Owner one={one} id={value.ownerId} name={value.ownerName ?? null} /></p></li>)}
      </ul>
    </section>
  );
}
