/** The report of an import, row by row: what would change, what was refused and why. */
import { useState } from 'react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { ToggleButton, ToggleButtonGroup } from 'react-aria-components';
import { asProblem, problemOf } from '../api/problem';
import { keys } from '../api/queries';
import type { Field, Import, ImportOutcome, ImportRow } from '../api/types';
import { useFullPage } from '../app/fullPage';
import { useReader } from '../app/reader';
import { href } from '../app/route';
import { useServices } from '../app/services';
import { Button } from '../kit/Button';
import { showFlag } from '../kit/flags';
import { ProblemNotice, Skeleton } from '../kit/Notice';
import { saveFile } from '../kit/saveFile';
import { t } from '../messages';
import { ValueView } from '../values/ValueView';

const OUTCOMES: readonly ImportOutcome[] = ['made', 'changed', 'refused', 'overtaken', 'unchanged'];
/** Shown only where there is one. */
const RARE: readonly ImportOutcome[] = ['made', 'overtaken'];

export function Report({ one, fields }: { one: Import; fields: Field[] }) {
  const { calls } = useServices();
  const { locale } = useReader();
  const shown = OUTCOMES.filter((o) => !RARE.includes(o) || one.rows[o] > 0);
  const [chosen, setChosen] = useState<ImportOutcome>(() => shown.find((o) => one.rows[o] > 0) ?? 'changed');
  const list = useInfiniteQuery({
    queryKey: keys.importRows(one.id, chosen, one.updatedAt),
    queryFn: ({ pageParam }) => calls.importRows(one.id, chosen, pageParam ?? undefined),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor ?? null,
  });
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  const total = OUTCOMES.reduce((sum, o) => sum + one.rows[o], 0);
  if (total === 0) return null;
  const ran = one.state !== 'checked';
  return (
    <section className="import-part">
      <div className="editor-head">
        <ToggleButtonGroup className="import-counts" aria-label={t('imports.outcome')} selectionMode="single" disallowEmptySelection selectedKeys={[chosen]}
          onSelectionChange={(keysChosen) => { const [first] = keysChosen; if (first) setChosen(first as ImportOutcome); }}>
          {shown.map((o) => (
            <ToggleButton key={o} id={o} className={one.rows[o] > 0 ? `import-count import-count-${o}` : 'import-count'}>
              <span className="import-number">{new Intl.NumberFormat(locale).format(one.rows[o])}</span>
              <span>{t((o === 'changed' || o === 'made') && ran ? `imports.outcome.${o}.done` : `imports.outcome.${o}`)}</span>
            </ToggleButton>
          ))}
        </ToggleButtonGroup>
        <Download one={one} />
      </div>
      {chosen === 'made' && !ran && <p className="page-intro">{t('imports.outcome.made.detail')}</p>}
      {chosen === 'overtaken' && <p className="page-intro">{t('imports.outcome.overtaken.detail')}</p>}
      {list.isPending && <Skeleton rows={4} />}
      {list.isError && <ProblemNotice error={list.error} onRetry={() => void list.refetch()} />}
      {list.isSuccess && rows.length === 0 && <p className="page-intro">{t(one.rows[chosen] > 0 ? 'imports.report.gone' : 'imports.report.none')}</p>}
      {rows.length > 0 && <ul className="import-rows">{rows.map((row) => <Row key={row.row} row={row} one={one} fields={fields} />)}</ul>}
      {list.hasNextPage && <div className="table-more"><Button onPress={() => void list.fetchNextPage()} isDisabled={list.isFetchingNextPage}>{t('act.more')}</Button></div>}
    </section>
  );
}

function Row({ row, one, fields }: { row: ImportRow; one: Import; fields: Field[] }) {
  const page = row.ownerId && (one.entity === 'customer' ? href.customer(row.ownerId) : href.organization(row.ownerId));
  return (
    <li className="import-row">
      <p className="import-whose">
        <span className="import-line">{t('imports.line', { line: row.line })}</span>
        {page ? <a className="link" href={page}><bdi>{row.named}</bdi></a> : <bdi>{row.named}</bdi>}
      </p>
      {row.changes.length > 0 && (
        <ul className="import-changes">
          {row.changes.map((change) => {
            const field = fields.find((f) => f.id === change.fieldId);
            return field && (
              <li key={change.fieldId}>
                <span className="import-field"><bdi>{field.name}</bdi></span>
                <span className="import-from"><ValueView field={field} value={change.from} /></span>
                <span aria-hidden="true">→</span>
                <span className="visually-hidden">{t('imports.from.to', { from: '', to: '' })}</span>
                <span className="import-to"><ValueView field={field} value={change.to} /></span>
              </li>
            );
          })}
        </ul>
      )}
      {row.errors.map((error, at) => (
        <p key={at} className="import-error">
          {error.column !== null && <span className="import-field"><bdi>{one.headers[error.column] ?? ''}</bdi></span>}
          {error.detail}
        </p>
      ))}
    </li>
  );
}

function Download({ one }: { one: Import }) {
  const { transport } = useServices();
  const openFull = useFullPage();
  const [busy, setBusy] = useState(false);
  const download = transport.download?.bind(transport);
  const take = async () => {
    if (!download) return openFull(href.import(one.id));
    setBusy(true);
    try {
      const { status, headers, file } = await download(`/api/v1/imports/${one.id}/report`, '{}');
      if (status !== 200) throw problemOf(status, JSON.parse(await file.text()) as unknown, headers['retry-after'] ?? null);
      saveFile(file, 'import-report.csv');
    } catch (error) {
      const problem = asProblem(error);
      showFlag({ tone: 'error', text: problem.detail ?? t(`problem.${problem.kind}.do`) });
    } finally {
      setBusy(false);
    }
  };
  return <Button icon="export" onPress={() => void take()} isDisabled={busy}>{t('imports.report')}{!download && <span className="visually-hidden"> {t('panel.newtab')}</span>}</Button>;
}

/** Values that did not go back. */
export function KeptList({ one, fields }: { one: Import; fields: Field[] }) {
  const { calls } = useServices();
  const kept = useQuery({ queryKey: keys.importKept(one.id), queryFn: () => calls.importKept(one.id) });
  return (
    <section className="import-part">
      <h3 className="permission-title">{t('imports.kept.title')}</h3>
      <p className="page-intro">{t('imports.kept.detail')}</p>
      {kept.isError && <ProblemNotice error={kept.error} onRetry={() => void kept.refetch()} />}
      <ul className="import-rows">
        {kept.data?.items.map((value) => (
          <li key={value.changeId} className="import-row">
            <p className="import-whose">
              <a className="link" href={one.entity === 'customer' ? href.customer(value.ownerId) : href.organization(value.ownerId)}>{value.ownerId}</a>
              <span className="import-field"><bdi>{fields.find((f) => f.id === value.fieldId)?.name ?? ''}</bdi></span>
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}
