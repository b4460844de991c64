/** What the two lists share: title, search, columns, count, and every state that is not a table. */
import type { ReactNode } from 'react';
import { Button as AriaButton, Input, Label, SearchField } from 'react-aria-components';
import type { Field, Mistake } from '../api/types';
import { Icon } from '../kit/Icon';
import { EmptyState, ProblemNotice, Skeleton } from '../kit/Notice';
import { t } from '../messages';
import { Button } from '../kit/Button';
import { ColumnsPopover } from './ColumnsPopover';
import { ExportMenu } from './ExportMenu';
import { ProjectFilter } from './ProjectFilter';
import { QueryBar } from './QueryBar';
import { QueryHelp } from './QueryHelp';
import type { TableView } from './useTableView';
import { ViewBar, ViewNotice } from './ViewBar';

interface Props {
  table: TableView;
  /** What is wrong with what is asked now. */
  mistakes: Mistake[];
  /** The columns that a file gets, by their keys; and all that there are. */
  exported: string[];
  columns: { key: string; name: string }[];
  fields: Field[];
  title: string;
  searchLabel: string;
  searchHint: string;
  search: string;
  onSearch: (text: string) => void;
  count: string | null;
  /** The index tells nothing of the query. */
  lookedThrough: boolean;
  /** Beside the count. */
  beside?: ReactNode;
  pending: boolean;
  error: unknown;
  onRetry: () => void;
  empty: { title: string; detail: string } | null;
  /** Makes one more. */
  action?: ReactNode;
  children: ReactNode;
}

export function ListFrame({ table, ...p }: Props) {
  const { entity, query, run } = table;
  return (
    <>
      <header className="page-head">
        <div className="title-row"><h1 className="page-title">{p.title}</h1><ViewBar table={table} /></div>
        <div className="toolbar">
          <SearchField className="filter search" value={p.search} onChange={p.onSearch}>
            <Label className="visually-hidden">{p.searchLabel}</Label>
            <Icon name="search" small />
            <Input className="input" placeholder={p.searchHint} dir="auto" />
            <AriaButton className="icon-button button-subtle search-clear"><Icon name="close" small /></AriaButton>
          </SearchField>
          <div className="query-row">
            <QueryBar entity={entity} query={query} mistakes={p.mistakes} onRun={run} />
            <QueryHelp entity={entity} fields={p.fields} onRun={run} />
          </div>
          {entity === 'customer' && <ProjectFilter query={query} onRun={run} />}
          <ColumnsPopover table={table} columns={p.columns} />
          <ExportMenu entity={entity} query={query} search={p.search.trim()} columns={p.exported} hash={table.hash} />
          {p.action}
        </div>
        <p className="list-count" role="status">{p.count}{p.count && p.lookedThrough && <span> · {t('table.looked')}</span>}{p.beside}</p>
      </header>
      <ViewNotice table={table} />
      {p.pending ? <Skeleton rows={8} />
        : p.error ? <ProblemNotice error={p.error} onRetry={p.onRetry} />
        : p.empty ? <EmptyState icon="search" {...p.empty}>{query && <Button onPress={() => run('')}>{t('query.clear')}</Button>}</EmptyState>
        : p.children}
    </>
  );
}
