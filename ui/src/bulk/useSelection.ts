/** The rows that are chosen in a table. What was chosen stays while its page is away: a preview leads back to it. */
import { useCallback, useMemo, useRef, useState } from 'react';
import type { Entity } from '../api/types';
import { announce } from '../kit/announce';
import { t, tn } from '../messages';
import { between, chosen, countOf, isChosen, isNothing, NOTHING, type Selection } from './selection';

const kept = new Map<Entity, Selection>();

/** After a change was carried out nothing is chosen any more. */
export function forgetSelection(entity: Entity): void {
  kept.delete(entity);
}

export interface RowSelection {
  selection: Selection;
  /** How many, where that is known. */
  count: number | null;
  nothing: boolean;
  /** Of the box at the table's head. */
  whole: 'none' | 'some' | 'all';
  has: (id: string) => boolean;
  /** Chooses a row or lets it go; with `range`, all rows since the last one that was. */
  toggle: (place: number, range: boolean) => void;
  everything: () => void;
  clear: () => void;
}

interface Table {
  entity: Entity;
  query: string;
  search: string;
  ids: string[];
  /** How many the list finds; null where only the server could count them, one by one. */
  total: number | null;
  nameOf: (id: string) => string;
}

export function useSelection({ entity, query, search, ids, total, nameOf }: Table): RowSelection {
  const [held, setHeld] = useState<Selection>(() => kept.get(entity) ?? NOTHING);
  const last = useRef<number | null>(null);
  // All of another list is not meant by all of this one.
  const selection = held.all && (held.query !== query || held.search !== search) ? NOTHING : held;
  const count = countOf(selection, total);

  const keep = useCallback((next: Selection, said: string) => {
    kept.set(entity, next);
    setHeld(next);
    announce(said);
  }, [entity]);
  const say = useCallback((next: Selection) => {
    const many = countOf(next, total);
    return many === null ? t('select.all.unknown') : many === 0 ? t('select.none') : tn('select.count', many);
  }, [total]);

  const toggle = useCallback((place: number, range: boolean) => {
    const id = ids[place];
    if (id === undefined) return;
    const on = !isChosen(selection, id);
    const from = range ? last.current : null;
    // A range takes what was done to its first row on to all others.
    const next = from === null ? chosen(selection, [id], on) : chosen(selection, between(ids, from, place), isChosen(selection, ids[from] ?? id));
    last.current = place;
    keep(next, from === null ? t(on ? 'select.on' : 'select.off', { name: nameOf(id), count: say(next) }) : say(next));
  }, [ids, selection, keep, say, nameOf]);
  const everything = useCallback(() => {
    const next: Selection = { all: true, query, search, except: new Set() };
    last.current = null;
    keep(next, say(next));
  }, [query, search, keep, say]);
  const clear = useCallback(() => {
    last.current = null;
    keep(NOTHING, t('select.none'));
  }, [keep]);

  const nothing = isNothing(selection, total);
  const whole = nothing ? 'none' : selection.all && selection.except.size === 0 ? 'all' : 'some';
  return useMemo(() => ({ selection, count, nothing, whole, has: (id: string) => isChosen(selection, id), toggle, everything, clear }), [selection, count, nothing, whole, toggle, everything, clear]);
}
