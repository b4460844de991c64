/**
 * What a table shows: a saved view or everything, and what this reader changed of it. Changes of columns are kept in
 * this browser until they are saved or discarded; the query is in the page's address.
 */
import { useState } from 'react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { href } from '../app/route';
import { useServices } from '../app/services';
import { keys } from '../api/queries';
import type { Entity, SavedView } from '../api/types';
import { parsed, sameLayout, usual, type Layout } from './layout';

/** Stands in an address for everything, where a reader's table starts with something else. */
export const EVERYTHING = 'all';

export interface Asked {
  view?: string | undefined;
  query?: string | undefined;
}

export interface TableView {
  entity: Entity;
  /** False until it is known which view is meant. */
  ready: boolean;
  views: SavedView[];
  /** None: everything. */
  view: SavedView | null;
  /** The address names a view that is not there. */
  missing: boolean;
  query: string;
  layout: Layout;
  /** Something differs from the view as it is saved, or from the usual columns. */
  changed: boolean;
  setLayout: (layout: Layout) => void;
  discard: () => void;
  /** What was changed is saved now: nothing of it is kept here any longer. */
  settle: () => void;
  /** Asks something else under the same view. */
  run: (query: string) => void;
  open: (view: SavedView | null) => void;
  /** This page by its address. */
  hash: string;
}

const storageKey = (entity: Entity, view: SavedView | null) => `steward.table.${entity}.${view?.id ?? EVERYTHING}`;

/** A frame without storage forgets the change with the page; nothing else is lost. */
function stored(key: string): Layout | null {
  try {
    return parsed(localStorage.getItem(key));
  } catch {
    return null;
  }
}

function store(key: string, layout: Layout | null): void {
  try {
    if (layout) localStorage.setItem(key, JSON.stringify(layout));
    else localStorage.removeItem(key);
  } catch {
    // See above.
  }
}

function go(hash: string): void {
  window.location.hash = hash;
}

export function useTableView(entity: Entity, asked: Asked, usualKeys: string[]): TableView {
  const { calls } = useServices();
  const client = useQueryClient();
  const list = useQuery({ queryKey: keys.views(entity), queryFn: () => calls.views(entity) });
  const views = list.data ?? [];
  const wanted = asked.view === undefined && asked.query === undefined ? views.find((v) => v.isDefault) : views.find((v) => v.id === asked.view);
  const view = wanted ?? null;
  const key = storageKey(entity, view);
  const [draft, setDraft] = useState(() => ({ key, layout: stored(key) }));
  if (draft.key !== key) setDraft({ key, layout: stored(key) });
  const saved = view && view.columns.length > 0 ? view.columns : usual(usualKeys);
  const layout = (draft.key === key ? draft.layout : null) ?? saved;
  const query = asked.query ?? view?.query ?? '';

  const setLayout = (next: Layout) => {
    const kept = sameLayout(next, saved) ? null : next;
    store(key, kept);
    setDraft({ key, layout: kept });
  };
  const address = (to: SavedView | null, of: string) => {
    if (to) return href.list(entity, { view: to.id, ...(of === to.query ? {} : { query: of }) });
    const starts = client.getQueryData<SavedView[]>(keys.views(entity))?.some((v) => v.isDefault) ?? false;
    return href.list(entity, of ? { query: of } : starts ? { view: EVERYTHING } : {});
  };
  return {
    entity,
    ready: !list.isPending,
    views,
    view,
    missing: list.isSuccess && asked.view !== undefined && asked.view !== EVERYTHING && !view,
    query,
    layout,
    changed: !sameLayout(layout, saved) || (view !== null && query !== view.query),
    setLayout,
    discard: () => {
      setLayout(saved);
      if (view) go(address(view, view.query));
    },
    settle: () => {
      store(key, null);
      setDraft({ key, layout: null });
      if (view) go(href.list(entity, { view: view.id }));
    },
    run: (next) => go(address(view, next)),
    open: (next) => go(address(next, next?.query ?? '')),
    hash: address(view, query),
  };
}
