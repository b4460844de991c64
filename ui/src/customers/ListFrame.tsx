/** What the two lists share: title, search, columns, count, and every state that is not a table. */
import { useState, type ReactNode } from 'react';
import { Button as AriaButton, DialogTrigger, Dialog, Input, Label, Popover, SearchField } from 'react-aria-components';
import type { Entity, Field, Mistake } from '../api/types';
import { ManyChoicesInput } from '../kit/fields';
import { Icon } from '../kit/Icon';
import { EmptyState, ProblemNotice, Skeleton } from '../kit/Notice';
import { t } from '../messages';
import { Button } from '../kit/Button';
import { ExportMenu } from './ExportMenu';
import { QueryBar } from './QueryBar';
import { QueryHelp } from './QueryHelp';

interface Props {
  entity: Entity;
  /** What is asked of the list now, and what is wrong with it. */
  query: string;
  mistakes: Mistake[];
  onRun: (query: string) => void;
  /** This list by its hash; and its columns, for a file. */
  hash: string;
  exported: string[];
  title: string;
  searchLabel: string;
  searchHint: string;
  search: string;
  onSearch: (text: string) => void;
  count: string | null;
  fields: Field[];
  chosen: string[];
  onChosen: (ids: string[]) => void;
  pending: boolean;
  error: unknown;
  onRetry: () => void;
  empty: { title: string; detail: string } | null;
  children: ReactNode;
}

export function ListFrame(p: Props) {
  return (
    <>
      <header className="page-head">
        <h1 className="page-title">{p.title}</h1>
        <div className="toolbar">
          <SearchField className="filter search" value={p.search} onChange={p.onSearch}>
            <Label className="visually-hidden">{p.searchLabel}</Label>
            <Icon name="search" small />
            <Input className="input" placeholder={p.searchHint} dir="auto" />
            <AriaButton className="icon-button button-subtle search-clear"><Icon name="close" small /></AriaButton>
          </SearchField>
          <div className="query-row">
            <QueryBar entity={p.entity} query={p.query} mistakes={p.mistakes} onRun={p.onRun} />
            <QueryHelp entity={p.entity} fields={p.fields} onRun={p.onRun} />
          </div>
          {p.fields.length > 0 && <ColumnChooser fields={p.fields} chosen={p.chosen} onChosen={p.onChosen} />}
          <ExportMenu entity={p.entity} query={p.query} search={p.search.trim()} columns={p.exported} hash={p.hash} />
        </div>
        <p className="list-count" role="status">{p.count}</p>
      </header>
      {p.pending ? <Skeleton rows={8} />
        : p.error ? <ProblemNotice error={p.error} onRetry={p.onRetry} />
        : p.empty ? <EmptyState icon="search" {...p.empty}>{p.query && <Button onPress={() => p.onRun('')}>{t('query.clear')}</Button>}</EmptyState>
        : p.children}
    </>
  );
}

function ColumnChooser({ fields, chosen, onChosen }: { fields: Field[]; chosen: string[]; onChosen: (ids: string[]) => void }) {
  return (
    <DialogTrigger>
      <AriaButton className="button button-default"><Icon name="settings" small /><span className="button-text">{t('table.columns')}</span></AriaButton>
      <Popover className="popover" placement="bottom end">
        <Dialog className="columns" aria-label={t('table.columns.choose')}>
          <ManyChoicesInput label={t('table.columns.choose')} value={chosen} onChange={onChosen} choices={fields.map((f) => ({ id: f.id, label: f.name }))} />
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}

/** Chosen columns are a habit of this reader in this browser, and nobody else's business. */
export function useChosenColumns(list: string): [string[], (ids: string[]) => void] {
  const key = `steward.columns.${list}`;
  const [chosen, setChosen] = useState<string[]>(() => {
    try {
      const kept: unknown = JSON.parse(localStorage.getItem(key) ?? '[]');
      return Array.isArray(kept) ? kept.filter((id) => typeof id === 'string') : [];
    } catch {
      return [];
    }
  });
  const choose = (ids: string[]) => {
    setChosen(ids);
    try {
      localStorage.setItem(key, JSON.stringify(ids));
    } catch {
      // A frame without storage forgets the choice with the page; nothing else is lost.
    }
  };
  return [chosen, choose];
}
