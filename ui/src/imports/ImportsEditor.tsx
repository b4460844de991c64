/** Imports: a file is dropped here; those that were before are listed. One of them is a page of its own. */
import { useState } from 'react';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { DropZone, FileTrigger, Text, type FileDropItem } from 'react-aria-components';
import { asProblem, type ApiProblem } from '../api/problem';
import { keys } from '../api/queries';
import { authorName, type Entity, type Import } from '../api/types';
import { useReader } from '../app/reader';
import { href } from '../app/route';
import { useServices } from '../app/services';
import { Button } from '../kit/Button';
import { RadioInput } from '../kit/fields';
import { Icon } from '../kit/Icon';
import { ProblemNotice, Skeleton } from '../kit/Notice';
import { t, tn } from '../messages';
import { formatInstant } from '../values/format';
import { ImportPage } from './ImportPage';
import { Progress } from './Progress';
import { sendFile } from './sending';

const KINDS = ['.csv', '.tsv', '.txt', 'text/csv', 'text/tab-separated-values', 'text/plain'];

export function ImportsEditor({ id }: { id: string | null }) {
  return id ? <ImportPage key={id} id={id} /> : <Overview />;
}

function Overview() {
  const { calls } = useServices();
  const list = useInfiniteQuery({
    queryKey: keys.imports,
    queryFn: ({ pageParam }) => calls.imports(pageParam ?? undefined),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor ?? null,
  });
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div className="imports">
      <p className="page-intro">{t('imports.intro')}</p>
      <NewImport />
      {list.isPending && <Skeleton rows={3} />}
      {list.isError && <ProblemNotice error={list.error} onRetry={() => void list.refetch()} />}
      {items.length > 0 && (
        <section className="import-part">
          <h2 className="permission-title">{t('imports.earlier')}</h2>
          <ul className="token-list">{items.map((one) => <Item key={one.id} one={one} />)}</ul>
          {list.hasNextPage && <div className="table-more"><Button onPress={() => void list.fetchNextPage()}>{t('act.more')}</Button></div>}
        </section>
      )}
    </div>
  );
}

function NewImport() {
  const { calls } = useServices();
  const client = useQueryClient();
  const [entity, setEntity] = useState<Entity>('customer');
  const [sending, setSending] = useState<{ file: File; bytes: number } | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const start = async (file: File) => {
    setProblem(null);
    setSending({ file, bytes: 0 });
    try {
      const begun = await calls.beginImport(entity, file.name);
      const whole = await sendFile(calls, begun, file, (bytes) => setSending({ file, bytes }), () => false);
      client.setQueryData(keys.import(whole.id), whole);
      window.location.hash = href.import(whole.id);
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setSending(null);
      void client.invalidateQueries({ queryKey: keys.imports });
    }
  };
  if (sending) {
    const { file, bytes } = sending;
    return <div className="card"><Progress label={t('imports.sending', { name: file.name })} value={file.size === 0 ? 1 : bytes / file.size} /></div>;
  }
  return (
    <div className="import-part">
      {problem && <ProblemNotice error={problem} />}
      <RadioInput inline label={t('imports.about')} value={entity} onChange={(chosen) => setEntity(chosen as Entity)}
        choices={[{ id: 'customer', label: t('imports.customers') }, { id: 'organization', label: t('imports.organizations') }]} />
      <FileDrop onFile={(file) => void start(file)} />
    </div>
  );
}

/** Takes one file, dropped, pasted or chosen. */
export function FileDrop({ onFile }: { onFile: (file: File) => void }) {
  return (
    <DropZone className="drop" onDrop={(event) => {
      const first = event.items.find((item): item is FileDropItem => item.kind === 'file');
      if (first) void first.getFile().then(onFile);
    }}>
      <Icon name="import" />
      <Text slot="label" className="drop-label">{t('imports.drop')}</Text>
      <FileTrigger acceptedFileTypes={KINDS} onSelect={(files) => { const [file] = files ?? []; if (file) onFile(file); }}>
        <Button kind="primary">{t('imports.choose')}</Button>
      </FileTrigger>
      <p className="control-help">{t('imports.drop.kinds')}</p>
    </DropZone>
  );
}

const TONES: Partial<Record<Import['state'], string>> = { checked: 'lozenge-warning', paused: 'lozenge-warning', done: 'lozenge-success', cancelled: 'lozenge-off', undone: 'lozenge-off' };

export function StateLozenge({ state }: { state: Import['state'] }) {
  return <span className={`lozenge ${TONES[state] ?? 'lozenge-new'}`}>{t(`imports.state.${state}`)}</span>;
}

function Item({ one }: { one: Import }) {
  const reader = useReader();
  return (
    <li className="token card">
      <div className="token-text">
        <p className="token-name"><a className="link" href={href.import(one.id)}><bdi>{one.fileName}</bdi></a><StateLozenge state={one.state} /></p>
        <p className="shelf-facts">
          <span>{t(one.entity === 'customer' ? 'imports.customers' : 'imports.organizations')}</span>
          <span><bdi>{t('imports.by', { name: authorName(one.createdBy), date: formatInstant(one.createdAt, reader) })}</bdi></span>
          {one.valuesWritten > 0 && <span>{tn('imports.written', one.valuesWritten)}</span>}
          {one.valuesReturned > 0 && <span>{tn('imports.returned', one.valuesReturned)}</span>}
        </p>
      </div>
    </li>
  );
}
