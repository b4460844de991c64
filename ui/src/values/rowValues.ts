/** The values that a table's rows show: one request for each hundred rows in sight, however many columns there are. */
import { createContext, useContext, useMemo } from 'react';
import { useQueries, type QueryClient } from '@tanstack/react-query';
import { useServices } from '../app/services';
import { keys } from '../api/queries';
import type { Entity, FieldValue, RowValues } from '../api/types';

/** What one request may ask for. */
const CHUNK_ROWS = 100;
/** Rows that were scrolled past are found here again for so long. */
const KEPT_MS = 600_000;

export type RowLookup = (id: string) => RowValues | undefined;

/** Rows in sight, counted from 0. */
export interface Sight {
  from: number;
  to: number;
}

/** The values of the rows in sight; undefined where they are on their way. */
export function useRowValues(entity: Entity, ids: string[], fieldIds: string[], sight: Sight): { lookup: RowLookup; error: unknown } {
  const { calls } = useServices();
  const first = Math.floor(sight.from / CHUNK_ROWS);
  const last = Math.floor(sight.to / CHUNK_ROWS);
  const chunks = fieldIds.length === 0 || ids.length === 0 ? [] : Array.from({ length: last - first + 1 }, (_, i) => ids.slice((first + i) * CHUNK_ROWS, (first + i + 1) * CHUNK_ROWS)).filter((c) => c.length > 0);
  return useQueries({
    queries: chunks.map((chunk) => ({ queryKey: keys.rows(entity, fieldIds, chunk), queryFn: () => calls.rowValues(entity, chunk, fieldIds), gcTime: KEPT_MS })),
    combine: (results) => ({
      lookup: lookupOf(results.map((r) => r.data)),
      error: results.find((r) => r.isError && !r.data)?.error ?? null,
    }),
  });
}

function lookupOf(chunks: (RowValues[] | undefined)[]): RowLookup {
  const rows = new Map(chunks.flatMap((chunk) => chunk ?? []).map((row) => [row.id, row]));
  return (id) => rows.get(id);
}

/** Shows a written value in every table that shows its row. */
export function putRowValue(client: QueryClient, entity: Entity, id: string, value: FieldValue): void {
  client.setQueriesData<RowValues[]>({ queryKey: ['rows', entity] }, (rows) => rows?.map((row) => (
    row.id === id ? { ...row, version: Math.max(row.version, value.version), values: [...row.values.filter((v) => v.fieldId !== value.fieldId), value] } : row
  )));
}

export const RowValuesContext = createContext<RowLookup>(() => undefined);

/** One field of one row: undefined while it is read, null where nobody wrote anything. */
export function useRowValue(id: string, fieldId: string): FieldValue | null | undefined {
  const row = useContext(RowValuesContext)(id);
  return useMemo(() => (row ? (row.values.find((v) => v.fieldId === fieldId) ?? null) : undefined), [row, fieldId]);
}
