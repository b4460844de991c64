/** Who changed what, newest first, each with the way back. */
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useReader } from '../app/reader';
import { useServices } from '../app/services';
import { asProblem } from '../api/problem';
import { keys, useFields, useValues } from '../api/queries';
import { authorName } from '../api/types';
import type { Actor, Field, HistoryEntry, Subject, ValueSet } from '../api/types';
import { announce } from '../kit/announce';
import { Button } from '../kit/Button';
import { showFlag } from '../kit/flags';
import { Icon } from '../kit/Icon';
import { ProblemNotice, Skeleton } from '../kit/Notice';
import { t } from '../messages';
import { formatInstant, sameValue } from './format';
import { valueOf, withValue } from './save';
import { ValueView } from './ValueView';

interface Props {
  subject: Subject;
  field: Field | null;
  fields: Field[];
  mayEdit: (field: Field) => boolean;
}

/** For an entry of a field that this reader does not get any more: its value as text. */
function unknownField(entry: HistoryEntry): Field {
  return {
    id: entry.fieldId, entity: 'customer', type: 'text', name: entry.fieldName, help: null, sectionId: null, position: 0, required: false,
    default: null, options: [], audience: 'agents', projects: [], country: null, retired: true, version: 0,
  };
}

/** Customers are not told how the people are called who help them. */
function author(by: Actor, me: { accountId: string; role: string }): string {
  return me.role === 'customer' && by.accountId && by.accountId !== me.accountId ? t('person.team') : authorName(by);
}

export function HistoryList({ subject, field, fields, mayEdit }: Props) {
  const { calls, me } = useServices();
  const list = useInfiniteQuery({
    queryKey: keys.history(subject, field?.id ?? null),
    queryFn: ({ pageParam }) => calls.history(subject, field?.id ?? null, pageParam ?? undefined),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor ?? null,
  });
  const entries = list.data?.pages.flatMap((p) => p.items) ?? [];
  const missing = entries.some((e) => !fields.some((f) => f.id === e.fieldId));
  const retired = useFields(subject.entity, true, missing && me.role !== 'customer');
  const fieldOf = (e: HistoryEntry) => fields.find((f) => f.id === e.fieldId) ?? retired.data?.find((f) => f.id === e.fieldId) ?? unknownField(e);

  if (list.isPending) return <Skeleton rows={3} />;
  if (list.isError && entries.length === 0) return <ProblemNotice error={list.error} onRetry={() => void list.refetch()} />;
  if (entries.length === 0) return <p className="history-none">{t('history.empty')}</p>;
  return (
    <>
      <ol className="history">
        {entries.map((entry) => <Entry key={entry.id} entry={entry} field={fieldOf(entry)} subject={subject} mayEdit={mayEdit} />)}
      </ol>
      {list.hasNextPage && <Button onPress={() => void list.fetchNextPage()} isDisabled={list.isFetchingNextPage}>{t('act.more')}</Button>}
    </>
  );
}

function Entry({ entry, field, subject, mayEdit }: { entry: HistoryEntry; field: Field; subject: Subject; mayEdit: (field: Field) => boolean }) {
  const reader = useReader();
  const { calls, me } = useServices();
  const client = useQueryClient();
  const values = useValues(subject);
  const held = valueOf(values.data, entry.fieldId);
  const when = formatInstant(entry.at, reader);
  const offered = !field.retired && mayEdit(field) && values.data && !sameValue(held?.value, entry.to);

  const restore = async () => {
    try {
      const now = await calls.restoreValue(subject, entry.id, held?.version ?? 0);
      client.setQueryData<ValueSet>(keys.values(subject), (set) => set && withValue(set, now));
      await client.invalidateQueries({ queryKey: ['history', subject.entity, subject.id] });
      announce(t('status.restored.field', { field: field.name }));
    } catch (error) {
      const problem = asProblem(error);
      if (problem.kind === 'conflict') await client.invalidateQueries({ queryKey: keys.values(subject) });
      const code = problem.kind === 'conflict' ? 'conflict' : problem.kind === 'refused' ? 'refused' : problem.passing ? 'busy' : 'broken';
      showFlag({ tone: 'error', text: `${t(`problem.${code}.title`)}. ${problem.detail ?? t(`problem.${code}.do`)}` });
    }
  };

  return (
    <li className="history-entry">
      <p className="history-what"><bdi>{t(`history.${entry.action}`, { name: author(entry.by, me), field: entry.fieldName })}</bdi></p>
      <p className="history-when"><time dateTime={entry.at}>{when}</time></p>
      <dl className="history-change">
        <div><dt>{t('history.from')}</dt><dd>{entry.fromText === null || entry.fromText === undefined ? <ValueView field={field} value={entry.from} /> : <bdi>{entry.fromText || '—'}</bdi>}</dd></div>
        <Icon name="back" small />
        <div><dt>{t('history.to')}</dt><dd>{entry.toText === null || entry.toText === undefined ? <ValueView field={field} value={entry.to} /> : <bdi>{entry.toText || '—'}</bdi>}</dd></div>
      </dl>
      {offered && (
        <Button small kind="subtle" icon="history" onPress={() => void restore()} aria-label={t('history.restore.named', { field: field.name, when })}>{t('history.restore')}</Button>
      )}
    </li>
  );
}
