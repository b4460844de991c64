/** Which rows of a table are chosen: some by their ids, or all that the list finds but for some. Plain rules. */

export type Selection =
  | { all: false; ids: ReadonlySet<string> }
  /** The list as it was asked: what else it finds by then is chosen too. */
  | { all: true; query: string; search: string; except: ReadonlySet<string> };

export const NOTHING: Selection = { all: false, ids: new Set() };

export const isChosen = (selection: Selection, id: string): boolean => (selection.all ? !selection.except.has(id) : selection.ids.has(id));

/** The id of the one row that is chosen, where it is one. */
export function onlyOne(selection: Selection): string | null {
  if (selection.all || selection.ids.size !== 1) return null;
  const [id] = selection.ids;
  return id ?? null;
}

const changed = (held: ReadonlySet<string>, ids: readonly string[], there: boolean): ReadonlySet<string> => {
  const next = new Set(held);
  for (const id of ids) {
    if (there) next.add(id);
    else next.delete(id);
  }
  return next;
};

/** Chooses these rows, or lets them go. */
export function chosen(selection: Selection, ids: readonly string[], on: boolean): Selection {
  return selection.all ? { ...selection, except: changed(selection.except, ids, !on) } : { all: false, ids: changed(selection.ids, ids, on) };
}

/** How many, as far as it is known; `total` is how many the list finds. */
export function countOf(selection: Selection, total: number | null): number | null {
  if (!selection.all) return selection.ids.size;
  return total === null ? null : Math.max(0, total - selection.except.size);
}

export const isNothing = (selection: Selection, total: number | null): boolean => countOf(selection, total) === 0;

/** The rows from one to another, in whichever order. */
export function between(ids: readonly string[], from: number, to: number): string[] {
  return ids.slice(Math.min(from, to), Math.max(from, to) + 1);
}

/** How the server is told. */
export function sent(selection: Selection): { ids: string[] } | { query?: string; search?: string; except: string[] } {
  if (!selection.all) return { ids: [...selection.ids] };
  return { ...(selection.query ? { query: selection.query } : {}), ...(selection.search ? { search: selection.search } : {}), except: [...selection.except] };
}
