/**
 * A table of any number of rows: only those in sight are drawn, and the next page is fetched well before its end is
 * reached. One cell at a time is in the order of Tab; arrows walk from there, as in a spreadsheet.
 */
import { Fragment, useCallback, useEffect, useMemo, useRef, useState, type ClipboardEvent, type DragEvent, type KeyboardEvent, type MouseEvent, type ReactNode } from 'react';
import { defaultRangeExtractor, useVirtualizer, type Range } from '@tanstack/react-virtual';
import type { Entity, Field, FieldValue, Value } from '../api/types';
import type { RowSelection } from '../bulk/useSelection';
import { announce } from '../kit/announce';
import { Button } from '../kit/Button';
import { Icon } from '../kit/Icon';
import { t } from '../messages';
import type { RowLookup } from '../values/rowValues';
import { CellEditor } from './CellEditor';
import { ColumnWidth } from './ColumnWidth';
import { stepped, type Cell } from './gridKeys';
import { moved, withWidth, type Layout } from './layout';
import { directionOf, reordered } from './queryText';
import { useBlock, type Span } from './useBlock';
import type { Change } from './useCellWrites';

export interface Column<T extends object> {
  key: string;
  name: string;
  /** In CSS pixels, unless the layout says otherwise. */
  width: number;
  cell: (record: T) => ReactNode;
  /** What it holds, where it can be edited here. */
  field?: Field;
  /** What is copied of a column that comes from Jira. */
  text?: (record: T) => string;
}

/** What can be done with cells, and who may. */
interface Cells {
  entity: Entity;
  mayEdit: boolean;
  nameOf: (id: string) => string;
  lookup: RowLookup;
  write: (changes: Change[], lookup: RowLookup) => Promise<void>;
  wrote: (id: string, fieldId: string, before: Value, now: FieldValue) => void;
  undo: () => Promise<void>;
  redo: () => Promise<void>;
}

interface Props<T extends object> {
  label: string;
  rows: T[];
  rowId: (row: T) => string;
  columns: Map<string, Column<T>>;
  layout: Layout;
  onLayout: (layout: Layout) => void;
  /** The query, whose order the headers show and change; and under which name each column that orders goes there. */
  query: string;
  sortNames: Record<string, string>;
  onRun: (query: string) => void;
  onOpen: (row: T) => void;
  cells: Cells;
  onSight: (from: number, to: number) => void;
  /** Which rows are chosen; null where nothing could be done with them. And what can be. */
  chosen: RowSelection | null;
  bar: ReactNode;
  /** How many rows the list has, those not loaded yet too; null where nobody knows. */
  total: number | null;
  hasMore: boolean;
  loadingMore: boolean;
  failedMore: boolean;
  onMore: () => void;
}

const ROW_HEIGHT_PX = 44;
const CHOOSE_PX = 40;
const OVERSCAN_ROWS = 12;
/** For so many frames the keyboard waits for its cell: a second. */
const FOCUS_FRAMES = 60;
/** The next page is asked for when this few rows are left below: more than a quick wheel passes while it comes. */
const FETCH_AHEAD_ROWS = 150;

export function RecordTable<T extends object>({ label, rows, rowId, columns, layout, onLayout, query, sortNames, onRun, onOpen, cells, onSight, chosen, bar, total, hasMore, loadingMore, failedMore, onMore }: Props<T>): ReactNode {
  const scroll = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<Cell>({ row: 0, column: 0 });
  /** Where the keyboard is to go once that is drawn. */
  const goal = useRef<Cell | null>(null);
  const [from, setFrom] = useState<Cell | null>(null);
  const [editing, setEditing] = useState(false);
  const anchor = useRef<HTMLElement | null>(null);
  const leave = useRef<HTMLSpanElement>(null);
  const active = { row: Math.min(at.row, Math.max(0, rows.length - 1)), column: Math.min(at.column, layout.length - 1) };
  const virtual = useVirtualizer({
    count: rows.length, getScrollElement: () => scroll.current, estimateSize: () => ROW_HEIGHT_PX, overscan: OVERSCAN_ROWS, scrollPaddingStart: ROW_HEIGHT_PX,
    // The row that has the keyboard stays, however far the pointer scrolls.
    rangeExtractor: (range: Range) => [...new Set([...defaultRangeExtractor(range), ...(rows.length > 0 ? [active.row] : [])])].sort((a, b) => a - b),
  });
  const visible = virtual.getVirtualItems();
  const lastIndex = virtual.range?.endIndex;
  const nearEnd = lastIndex !== undefined && lastIndex >= rows.length - FETCH_AHEAD_ROWS;
  useEffect(() => {
    if (nearEnd && hasMore && !loadingMore && !failedMore) onMore();
  }, [nearEnd, hasMore, loadingMore, failedMore, onMore]);
  const [firstSeen, lastSeen] = [virtual.range?.startIndex ?? 0, virtual.range?.endIndex ?? 0];
  useEffect(() => {
    onSight(firstSeen, lastSeen);
  }, [onSight, firstSeen, lastSeen]);
  // Another query is another list: it is read from its beginning.
  useEffect(() => {
    // In braces: newer browsers answer a promise, which an effect must not return.
    scroll.current?.scrollTo({ top: 0 });
  }, [query]);
  useEffect(() => {
    let frame = 0;
    // The cell may be drawn only after the table scrolled, and cannot be reached before a window over it is gone.
    const focus = (tries: number) => {
      const wanted = goal.current;
      if (!wanted) return;
      const cell = scroll.current?.querySelector<HTMLElement>(`[data-cell="${wanted.row}:${wanted.column}"]`);
      cell?.focus({ preventScroll: true });
      if (cell && document.activeElement === cell) {
        goal.current = null;
        cell.scrollIntoView({ block: 'nearest', inline: 'nearest' });
      } else if (tries > 0) frame = requestAnimationFrame(() => focus(tries - 1));
    };
    focus(FOCUS_FRAMES);
    return () => cancelAnimationFrame(frame);
  });

  const ids = useMemo(() => rows.map(rowId), [rows, rowId]);
  const fields = layout.map((c) => columns.get(c.key)?.field ?? null);
  const block = useBlock({ ...cells, ids, fields, builtInText: (row, column) => columnText(rows[row], columns.get(layout[column]?.key ?? '')) });
  const corner = from ?? active;
  const span: Span = { top: Math.min(corner.row, active.row), bottom: Math.max(corner.row, active.row), left: Math.min(corner.column, active.column), right: Math.max(corner.column, active.column) };
  const several = span.top !== span.bottom || span.left !== span.right;
  const isSelected = (row: number, column: number) => several && row >= span.top && row <= span.bottom && column >= span.left && column <= span.right;

  const walk = (to: Cell, extend: boolean) => {
    goal.current = to;
    if (to.row !== active.row) virtual.scrollToIndex(to.row);
    setFrom(extend ? corner : null);
    setAt(to);
  };
  const edit = (cell: HTMLElement): boolean => {
    const id = ids[active.row];
    if (!cells.mayEdit || !fields[active.column] || id === undefined || !cells.lookup(id)) return false;
    anchor.current = cell;
    setEditing(true);
    return true;
  };
  const open = (cell: HTMLElement, row: T) => {
    const link = cell.querySelector<HTMLElement>('a[href]');
    if (link) link.click();
    else onOpen(row);
  };
  // As in a spreadsheet, what is done leads on to the row below.
  const [activeRow, activeColumn] = [active.row, active.column];
  const finish = useCallback((written: boolean) => {
    setEditing(false);
    goal.current = { row: written ? Math.min(activeRow + 1, rows.length - 1) : activeRow, column: activeColumn };
    setAt(goal.current);
  }, [activeRow, activeColumn, rows.length]);
  const keyDown = (event: KeyboardEvent<HTMLElement>) => {
    const cell = (event.target as HTMLElement).closest<HTMLElement>('[data-cell]');
    if (!cell || event.nativeEvent.isComposing) return;
    const page = Math.max(1, Math.floor((scroll.current?.clientHeight ?? 0) / ROW_HEIGHT_PX) - 2);
    const rtl = getComputedStyle(event.currentTarget).direction === 'rtl';
    const to = stepped(active, event, { rows: rows.length, columns: layout.length, page, rtl });
    if (to) {
      event.preventDefault();
      walk(to, event.shiftKey);
      return;
    }
    const command = event.ctrlKey || event.metaKey;
    const row = rows[active.row];
    if (event.key === 'Tab') {
      const next = active.column + (event.shiftKey ? -1 : 1);
      if (next >= layout.length) {
        // Behind the last cell of a row the keyboard leaves the table, and does not walk through all of its links.
        leave.current?.focus();
        return;
      }
      event.preventDefault();
      if (next < 0) [...event.currentTarget.querySelectorAll<HTMLElement>('thead [role="separator"]')].at(-1)?.focus();
      else walk({ row: active.row, column: next }, false);
    } else if (event.key === 'Enter' || event.key === 'F2') {
      if (!row || event.target !== cell) return;
      event.preventDefault();
      if (!edit(cell) && event.key === 'Enter') open(cell, row);
    } else if (event.key === 'Escape' && (several || chosen?.nothing === false)) {
      event.preventDefault();
      if (several) setFrom(null);
      else chosen?.clear();
    } else if (event.key === ' ' && chosen && event.target === cell) {
      event.preventDefault();
      chosen.toggle(active.row, event.shiftKey);
    } else if (command && event.key.toLowerCase() === 'a' && chosen) {
      event.preventDefault();
      chosen.everything();
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      event.preventDefault();
      void block.clear(span);
    } else if (command && event.key.toLowerCase() === 'z') {
      event.preventDefault();
      void (event.shiftKey ? cells.redo() : cells.undo());
    } else if (command && event.key.toLowerCase() === 'y') {
      event.preventDefault();
      void cells.redo();
    }
  };
  const press = (event: MouseEvent, cell: Cell) => {
    if (event.shiftKey) {
      // Selecting cells is not selecting their text.
      event.preventDefault();
      walk(cell, true);
    } else setFrom(null);
  };
  const clipboard = (act: (event: ClipboardEvent, span: Span) => void) => (event: ClipboardEvent) => {
    // What is selected as text, and what is typed in a window over the table, is not the block.
    const inCell = (event.target as HTMLElement).closest('[data-cell]');
    if (inCell && (several || (window.getSelection()?.toString() ?? '') === '')) act(event, span);
  };

  // A column of no chosen width takes what is left of a wide window, the last of them.
  const elastic = layout.findLast((c) => c.width === null && !c.pinned)?.key;
  const widths = layout.map((c) => c.width ?? columns.get(c.key)?.width ?? 0);
  const first = chosen ? 1 : 0;
  const whole = widths.reduce((sum, width) => sum + width, first * CHOOSE_PX);
  const starts = widths.map((_, i) => widths.slice(0, i).reduce((sum, width) => sum + width, first * CHOOSE_PX));
  const pin = (i: number) => (layout[i]?.pinned ? { 'data-pinned': layout[i + 1]?.pinned ? '' : 'last', style: { insetInlineStart: starts[i] } } : {});
  const editedId = editing ? ids[active.row] : undefined;
  const editedField = fields[active.column];
  const edited = editedId !== undefined && editedField ? { id: editedId, field: editedField, held: cells.lookup(editedId)?.values.find((v) => v.fieldId === editedField.id) } : null;
  let before = 0;
  return (
    <>
      <div className={chosen?.nothing === false ? 'table-wrap table-chosen' : 'table-wrap'}>
      <div className="table-scroll" ref={scroll}>
        <table className="table" role="grid" aria-label={label} aria-rowcount={total === null ? (hasMore ? -1 : rows.length + 1) : total + 1} aria-colcount={layout.length + first} aria-multiselectable="true" style={{ minInlineSize: whole, inlineSize: elastic ? '100%' : whole }} onKeyDown={keyDown} onCopy={clipboard(block.copy)} onPaste={clipboard(block.paste)}>
          <colgroup>{chosen && <col style={{ inlineSize: CHOOSE_PX }} />}{layout.map((c, i) => <col key={c.key} style={c.key === elastic ? undefined : { inlineSize: widths[i] }} />)}</colgroup>
          <thead>
            <tr aria-rowindex={1}>
              {chosen && <th scope="col" role="columnheader" aria-colindex={1} className="table-choose"><ChooseAll chosen={chosen} /></th>}
              {layout.map((c, i) => <Head key={c.key} index={i} place={i + 1 + first} column={c.key} name={columns.get(c.key)?.name ?? ''} width={widths[i] ?? 0} {...{ layout, onLayout, query, onRun }} sortName={sortNames[c.key]} pin={pin(i)} />)}
            </tr>
          </thead>
          <tbody>
            {visible.map((item) => {
              const row = rows[item.index];
              if (!row) return null;
              const gap = item.start - before;
              before = item.end;
              return (
                <Fragment key={ids[item.index]}>
                  {gap > 0 && <tr aria-hidden="true"><td colSpan={layout.length + first} style={{ blockSize: gap }} /></tr>}
                  <tr aria-rowindex={item.index + 2} className="table-row" aria-selected={chosen ? chosen.has(ids[item.index] ?? '') : undefined}>
                    {chosen && (
                      <td role="gridcell" aria-colindex={1} className="table-choose">
                        {/* The keyboard chooses with Space, from any cell of the row. */}
                        <label className="choose"><input type="checkbox" tabIndex={-1} checked={chosen.has(ids[item.index] ?? '')} aria-label={t('select.row', { name: cells.nameOf(ids[item.index] ?? '') })} onChange={() => undefined} onClick={(e) => chosen.toggle(item.index, e.shiftKey)} /></label>
                      </td>
                    )}
                    {layout.map((c, i) => {
                      const here = active.row === item.index && active.column === i;
                      return (
                        <td key={c.key} role="gridcell" aria-colindex={i + 1 + first} data-column={c.key} data-cell={`${item.index}:${i}`} tabIndex={here ? 0 : -1} aria-selected={isSelected(item.index, i) || undefined} aria-readonly={!(cells.mayEdit && fields[i])} {...pin(i)}
                          onMouseDown={(e) => press(e, { row: item.index, column: i })} onFocus={() => !here && !goal.current && setAt({ row: item.index, column: i })}
                          onDoubleClick={(e) => { if (!(e.target as HTMLElement).closest('a,button') && !edit(e.currentTarget)) open(e.currentTarget, row); }}>
                          {columns.get(c.key)?.cell(row)}
                        </td>
                      );
                    })}
                  </tr>
                </Fragment>
              );
            })}
            {virtual.getTotalSize() > before && <tr aria-hidden="true"><td colSpan={layout.length + first} style={{ blockSize: virtual.getTotalSize() - before }} /></tr>}
          </tbody>
        </table>
      </div>
      {bar}
      </div>
      <span ref={leave} tabIndex={-1} />
      {block.dialog}
      {edited && <CellEditor key={`${edited.id} ${edited.field.id}`} subject={{ entity: cells.entity, id: edited.id }} field={edited.field} held={edited.held} anchor={anchor} onWritten={(was, now) => cells.wrote(edited.id, edited.field.id, was, now)} onClose={finish} />}
      {hasMore && (
        <div className="table-more" role="status">
          {failedMore && <span>{t('table.error.more')} </span>}
          <Button onPress={onMore} isDisabled={loadingMore}>{loadingMore ? t('table.loading.more') : failedMore ? t('act.retry') : t('act.more')}</Button>
        </div>
      )}
    </>
  );
}

/** Chooses all that the list finds, or nothing. */
function ChooseAll({ chosen }: { chosen: RowSelection }) {
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (box.current) box.current.indeterminate = chosen.whole === 'some';
  }, [chosen.whole]);
  return <label className="choose"><input ref={box} type="checkbox" checked={chosen.whole === 'all'} aria-label={t('select.everything')} onChange={() => (chosen.whole === 'all' ? chosen.clear() : chosen.everything())} /></label>;
}

function columnText<T extends object>(row: T | undefined, column: Column<T> | undefined): string {
  return row && column?.text ? column.text(row) : '';
}

interface HeadProps {
  index: number;
  /** From 1, the column of boxes counted. */
  place: number;
  column: string;
  name: string;
  width: number;
  layout: Layout;
  onLayout: (layout: Layout) => void;
  query: string;
  sortName: string | undefined;
  onRun: (query: string) => void;
  pin: object;
}

/** What a column is called, how it orders, how wide it is; and it is dragged to where it is liked. */
function Head({ index, place, column, name, width, layout, onLayout, query, sortName, onRun, pin }: HeadProps) {
  const direction = sortName === undefined ? null : directionOf(query, sortName);
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent<HTMLElement>) => {
    event.preventDefault();
    setOver(false);
    const dragged = event.dataTransfer.getData(DRAG_TYPE);
    const from = layout.findIndex((c) => c.key === dragged);
    if (from < 0) return;
    onLayout(moved(layout, [dragged], column, from < index ? 'after' : 'before'));
    announce(t('table.column.moved', { name, place: index + 1 }));
  };
  const label = <bdi>{name}</bdi>;
  return (
    <th scope="col" role="columnheader" aria-colindex={place} data-column={column} aria-sort={direction ?? undefined} data-over={over || undefined} {...pin} draggable
      onDragStart={(e) => { e.dataTransfer.setData(DRAG_TYPE, column); e.dataTransfer.effectAllowed = 'move'; }}
      onDragOver={(e) => { if (!e.dataTransfer.types.includes(DRAG_TYPE)) return; e.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={drop}>
      {sortName === undefined ? <span className="table-head">{label}</span> : (
        <button type="button" className="table-head table-sort" onClick={() => onRun(reordered(query, sortName))}>
          {label}{direction && <Icon name={direction === 'ascending' ? 'up' : 'down'} small />}
        </button>
      )}
      <ColumnWidth name={name} width={width} onWidth={(w) => onLayout(withWidth(layout, column, w))} />
    </th>
  );
}

const DRAG_TYPE = 'application/x-steward-head';

/** Waits until typing rests before the search changes. */
export function useSettled(text: string, waitMs = 250): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), waitMs);
    return () => clearTimeout(timer);
  }, [text, waitMs]);
  return settled;
}
