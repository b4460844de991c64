/** Which columns a table shows: in their order, with their widths, some of them pinned at its beginning. Plain rules. */
import type { ViewColumn } from '../api/types';

export type Layout = ViewColumn[];

/** In CSS pixels; the server has the same bounds. */
export const NARROWEST_PX = 60;
export const WIDEST_PX = 1200;
/** So much wider or narrower with one press of an arrow. */
export const STEP_PX = 16;
/** The column that says what a row is: it always stands. */
export const NAME = 'name';

/** The columns of a list that nobody changed: what it is, pinned, and what the directory knows. */
export function usual(keys: string[]): Layout {
  return keys.map((key) => ({ key, width: null, pinned: key === NAME }));
}

export function sameLayout(a: Layout, b: Layout): boolean {
  return a.length === b.length && a.every((c, i) => c.key === b[i]?.key && c.width === b[i].width && c.pinned === b[i].pinned);
}

/** Pinned columns stand before the others, each kind in its order. */
const settled = (layout: Layout): Layout => [...layout.filter((c) => c.pinned), ...layout.filter((c) => !c.pinned)];

const changed = (layout: Layout, key: string, change: Partial<ViewColumn>): Layout => layout.map((c) => (c.key === key ? { ...c, ...change } : c));

export function withColumn(layout: Layout, key: string, shown: boolean): Layout {
  if (!shown) return key === NAME ? layout : layout.filter((c) => c.key !== key);
  return layout.some((c) => c.key === key) ? layout : [...layout, { key, width: null, pinned: false }];
}

export function withWidth(layout: Layout, key: string, width: number | null): Layout {
  return changed(layout, key, { width: width === null ? null : Math.round(Math.min(WIDEST_PX, Math.max(NARROWEST_PX, width))) });
}

export function withPin(layout: Layout, key: string, pinned: boolean): Layout {
  return settled(changed(layout, key, { pinned }));
}

/** Moves columns before or behind another one. What is moved among pinned columns is pinned, and the other way round. */
export function moved(layout: Layout, keys: string[], target: string, place: 'before' | 'after'): Layout {
  const to = layout.find((c) => c.key === target);
  if (!to || keys.includes(target)) return layout;
  const taken = layout.filter((c) => keys.includes(c.key)).map((c) => ({ ...c, pinned: to.pinned }));
  const rest = layout.filter((c) => !keys.includes(c.key));
  const at = rest.findIndex((c) => c.key === target) + (place === 'after' ? 1 : 0);
  return settled([...rest.slice(0, at), ...taken, ...rest.slice(at)]);
}

/** What is kept as a layout in a browser; null for what is none. */
export function parsed(text: string | null): Layout | null {
  try {
    const kept: unknown = JSON.parse(text ?? 'null');
    if (!Array.isArray(kept)) return null;
    const isColumn = (c: unknown): c is ViewColumn => {
      const column = (c ?? {}) as Record<string, unknown>;
      return typeof column['key'] === 'string' && typeof column['pinned'] === 'boolean' && (column['width'] === null || typeof column['width'] === 'number');
    };
    return kept.every(isColumn) ? kept : null;
  } catch {
    return null;
  }
}
