/** A table of any number of rows: only those in sight are drawn, and the next page is fetched before its end is reached. */
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { tableFeatures, useTable, type ColumnDef } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { Button } from '../kit/Button';
import { t } from '../messages';

const features = tableFeatures({});
export type Columns<T extends object> = ColumnDef<typeof features, T, unknown>[];

interface Props<T extends object> {
  label: string;
  rows: T[];
  rowId: (row: T) => string;
  columns: Columns<T>;
  onOpen: (row: T) => void;
  hasMore: boolean;
  loadingMore: boolean;
  onMore: () => void;
}

const ROW_HEIGHT_PX = 44;
const OVERSCAN_ROWS = 12;
/** The next page is asked for when this few rows are left below. */
const FETCH_AHEAD_ROWS = 20;

export function RecordTable<T extends object>({ label, rows, rowId, columns, onOpen, hasMore, loadingMore, onMore }: Props<T>): ReactNode {
  const scroll = useRef<HTMLDivElement>(null);
  const table = useTable({ features, columns, data: rows, getRowId: rowId });
  const all = table.getRowModel().rows;
  const virtual = useVirtualizer({ count: all.length, getScrollElement: () => scroll.current, estimateSize: () => ROW_HEIGHT_PX, overscan: OVERSCAN_ROWS });
  const visible = virtual.getVirtualItems();
  const first = visible[0];
  const last = visible.at(-1);
  const above = first?.start ?? 0;
  const below = last ? virtual.getTotalSize() - last.end : 0;
  const nearEnd = last !== undefined && last.index >= all.length - FETCH_AHEAD_ROWS;
  useEffect(() => {
    if (nearEnd && hasMore && !loadingMore) onMore();
  }, [nearEnd, hasMore, loadingMore, onMore]);
  const wide = table.getAllColumns().length;
  return (
    <>
      <div className="table-scroll" ref={scroll} tabIndex={0} role="region" aria-label={label}>
        <table className="table" aria-rowcount={hasMore ? -1 : all.length + 1}>
          <thead>
            {table.getHeaderGroups().map((group) => (
              <tr key={group.id} aria-rowindex={1}>
                {group.headers.map((header) => <th key={header.id} scope="col" data-column={header.column.id}><table.FlexRender header={header} /></th>)}
              </tr>
            ))}
          </thead>
          <tbody>
            {above > 0 && <tr aria-hidden="true"><td colSpan={wide} style={{ blockSize: above }} /></tr>}
            {visible.map((item) => {
              const row = all[item.index];
              if (!row) return null;
              return (
                // The link in the first cell is the way by keyboard; clicking anywhere in the row is a shorter way for the pointer.
                <tr key={row.id} aria-rowindex={item.index + 2} className="table-row" onClick={(e) => !(e.target as HTMLElement).closest('a,button') && onOpen(row.original)}>
                  {row.getAllCells().map((cell) => <td key={cell.id} data-column={cell.column.id}><table.FlexRender cell={cell} /></td>)}
                </tr>
              );
            })}
            {below > 0 && <tr aria-hidden="true"><td colSpan={wide} style={{ blockSize: below }} /></tr>}
          </tbody>
        </table>
      </div>
      {hasMore && <div className="table-more"><Button onPress={onMore} isDisabled={loadingMore}>{loadingMore ? t('table.loading.more') : t('act.more')}</Button></div>}
    </>
  );
}

/** Waits until typing rests before the search changes. */
export function useSettled(text: string, waitMs = 250): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), waitMs);
    return () => clearTimeout(timer);
  }, [text, waitMs]);
  return settled;
}
