/**
 * Writing many cells at once, and taking it back. Each write carries the version of the row that its writer saw, so that
 * nobody's change is lost: what somebody else changed meanwhile is refused, told, and read again.
 */
import { useCallback, useRef } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { useServices } from '../app/services';
import { asProblem } from '../api/problem';
import type { BulkItem, Entity, RowValues, Value } from '../api/types';
import { announce } from '../kit/announce';
import { showFlag } from '../kit/flags';
import { t, tn } from '../messages';
import { sameValue } from '../values/format';
import type { RowLookup } from '../values/rowValues';

/** What one request takes; further rows go in further ones. */
const ITEMS_AT_ONCE = 1_000;
const VALUES_AT_ONCE = 5_000;
/** Rows that are read in one request. */
const ROWS_AT_ONCE = 100;
/** Steps that can be taken back. */
const STEPS = 100;

export interface Change {
  id: string;
  fieldId: string;
  to: Value;
}

/** One row of a step: what stood before, and what was written. */
export interface StepRow {
  id: string;
  before: Record<string, Value>;
  after: Record<string, Value>;
}

export interface Refusal {
  id: string;
  detail: string;
}

/** Rows as few requests as the server takes. */
export function batches(items: BulkItem[]): BulkItem[][] {
  const found: BulkItem[][] = [];
  let values = VALUES_AT_ONCE;
  for (const item of items) {
    const count = Object.keys(item.values).length;
    const last = found.at(-1);
    if (last && last.length < ITEMS_AT_ONCE && values + count <= VALUES_AT_ONCE) {
      last.push(item);
      values += count;
    } else {
      found.push([item]);
      values = count;
    }
  }
  return found;
}

export function useCellWrites(entity: Entity, nameOf: (id: string) => string) {
  const { calls } = useServices();
  const client = useQueryClient();
  const done = useRef<StepRow[][]>([]);
  const undone = useRef<StepRow[][]>([]);
  const busy = useRef(false);

  const send = useCallback(async (rows: { id: string; version: number; before: Record<string, Value>; to: Record<string, Value> }[]) => {
    const items = rows.map(({ id, version, to }) => ({ id, version, values: to }));
    const written: StepRow[] = [];
    const refused: Refusal[] = [];
    try {
      for (const batch of batches(items)) {
        const outcomes = await calls.writeRows(entity, batch);
        outcomes.forEach((outcome, i) => {
          const item = batch[i];
          const row = item && rows.find((r) => r.id === item.id);
          if (!row) return;
          if (outcome.status === 200) written.push({ id: row.id, before: row.before, after: row.to });
          else refused.push({ id: row.id, detail: outcome.problem?.errors?.[0]?.detail ?? outcome.problem?.detail ?? t('problem.broken.title') });
        });
      }
    } finally {
      await Promise.all([['rows', entity], ['values', entity], ['history', entity]].map((queryKey) => client.invalidateQueries({ queryKey })));
    }
    return { written, refused };
  }, [calls, client, entity]);

  const tell = useCallback((said: string, refused: Refusal[], action?: { label: string; run: () => void }) => {
    const [first] = refused;
    if (first) showFlag({ tone: 'error', text: `${said} ${tn('cells.refused', refused.length)} ${nameOf(first.id)}: ${first.detail}` });
    else {
      announce(said);
      if (action) showFlag({ tone: 'success', text: said, action });
    }
  }, [nameOf]);

  const once = useCallback(async (act: () => Promise<void>) => {
    if (busy.current) return;
    busy.current = true;
    try {
      await act();
    } catch (error) {
      const problem = asProblem(error);
      showFlag({ tone: 'error', text: problem.detail ?? t(`problem.${problem.kind}.do`) });
    } finally {
      busy.current = false;
    }
  }, []);

  const took = (step: StepRow[]) => {
    if (step.length === 0) return;
    done.current = [...done.current, step].slice(-STEPS);
    undone.current = [];
  };

  /** Takes a step from one stack to the other, where what it left is what still stands. */
  const back = useCallback((from: typeof done, to: typeof undone, turn: (row: StepRow) => { left: Record<string, Value>; to: Record<string, Value> }, said: (count: number) => string, none: string) => once(async () => {
    const step = from.current.at(-1);
    if (!step) {
      announce(none);
      return;
    }
    const fields = [...new Set(step.flatMap((row) => Object.keys(row.after)))];
    const standing = new Map<string, RowValues>();
    for (let at = 0; at < step.length; at += ROWS_AT_ONCE) {
      for (const row of await calls.rowValues(entity, step.slice(at, at + ROWS_AT_ONCE).map((r) => r.id), fields)) standing.set(row.id, row);
    }
    const changed: Refusal[] = [];
    const rows = step.flatMap((row) => {
      const { left, to: wanted } = turn(row);
      const now = standing.get(row.id);
      const same = now && Object.entries(left).every(([fieldId, value]) => sameValue(now.values.find((v) => v.fieldId === fieldId)?.value, value));
      if (!same) changed.push({ id: row.id, detail: t('cells.changed') });
      return same ? [{ id: row.id, version: now.version, before: left, to: wanted }] : [];
    });
    const { written, refused } = await send(rows);
    from.current = from.current.slice(0, -1);
    const again = step.filter((row) => written.some((w) => w.id === row.id));
    if (again.length > 0) to.current = [...to.current, again];
    tell(said(written.length), [...changed, ...refused]);
  }), [calls, entity, once, send, tell]);

  const undo = useCallback(() => back(done, undone, (row) => ({ left: row.after, to: row.before }), (n) => tn('cells.undone', n), t('cells.undo.none')), [back]);
  const redo = useCallback(() => back(undone, done, (row) => ({ left: row.before, to: row.after }), (n) => tn('cells.redone', n), t('cells.redo.none')), [back]);

  /** Writes these cells over the rows as they were seen. */
  const write = useCallback((changes: Change[], lookup: RowLookup) => once(async () => {
    const rows = new Map<string, { id: string; version: number; before: Record<string, Value>; to: Record<string, Value> }>();
    for (const { id, fieldId, to } of changes) {
      const held = lookup(id);
      if (!held) continue;
      const row = rows.get(id) ?? { id, version: held.version, before: {}, to: {} };
      row.before[fieldId] = held.values.find((v) => v.fieldId === fieldId)?.value ?? null;
      row.to[fieldId] = to;
      rows.set(id, row);
    }
    const { written, refused } = await send([...rows.values()]);
    took(written);
    tell(tn('cells.written', written.reduce((sum, row) => sum + Object.keys(row.after).length, 0)), refused, { label: t('act.undo'), run: () => void undo() });
  }), [once, send, tell, undo]);

  /** One cell that was written by its editor. */
  const wrote = useCallback((id: string, fieldId: string, before: Value, now: { value: Value }) => {
    took([{ id, before: { [fieldId]: before }, after: { [fieldId]: now.value } }]);
  }, []);

  return { write, wrote, undo, redo };
}
