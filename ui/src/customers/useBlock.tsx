/** A block of cells: copied, cleared, pasted over; and what of that needs to be asked first. */
import { useState, type ClipboardEvent, type ReactNode } from 'react';
import { useReader } from '../app/reader';
import { useServices } from '../app/services';
import { asProblem } from '../api/problem';
import type { Entity, Field, RowValues } from '../api/types';
import { announce } from '../kit/announce';
import { showFlag } from '../kit/flags';
import { t, tn } from '../messages';
import { sameValue } from '../values/format';
import type { RowLookup } from '../values/rowValues';
import { blockOf, blockText, cellText, readCell } from './cellText';
import { PasteDialog, type PastedCell } from './PasteDialog';
import type { Change } from './useCellWrites';

/** More cells than this are shown before they are written. */
const UNASKED_CELLS = 10;
/** A table is no importer: what is more comes as a file, with a report. */
const MOST_CELLS = 2_000;
const ROWS_AT_ONCE = 100;

export interface Span {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

interface Table {
  entity: Entity;
  /** Rows and columns as they stand, by their places. */
  ids: string[];
  nameOf: (id: string) => string;
  /** Null for a column that comes from Jira, with the text that it shows. */
  fields: (Field | null)[];
  builtInText: (row: number, column: number) => string;
  lookup: RowLookup;
  write: (changes: Change[], lookup: RowLookup) => Promise<void>;
  mayEdit: boolean;
}

export function useBlock({ entity, ids, nameOf, fields, builtInText, lookup, write, mayEdit }: Table) {
  const { calls } = useServices();
  const reader = useReader();
  const [asked, setAsked] = useState<{ cells: PastedCell[]; left: number; held: RowLookup } | null>(null);

  /** The rows of a block: those in sight as they were seen, the others read now. */
  const rowsOf = async (span: Span): Promise<RowLookup> => {
    const wanted = ids.slice(span.top, span.bottom + 1);
    const missing = wanted.filter((id) => !lookup(id));
    const read = new Map<string, RowValues>();
    const of = fields.flatMap((f) => (f ? [f.id] : []));
    for (let at = 0; at < missing.length; at += ROWS_AT_ONCE) {
      for (const row of await calls.rowValues(entity, missing.slice(at, at + ROWS_AT_ONCE), of)) read.set(row.id, row);
    }
    return (id) => lookup(id) ?? read.get(id);
  };
  const heldIn = (held: RowLookup, id: string, field: Field) => {
    const value = held(id)?.values.find((v) => v.fieldId === field.id);
    return value ? value.value : (field.default ?? null);
  };
  const tried = async (act: () => Promise<void>) => {
    try {
      await act();
    } catch (error) {
      const problem = asProblem(error);
      showFlag({ tone: 'error', text: problem.detail ?? t(`problem.${problem.kind}.do`) });
    }
  };

  const copy = (event: ClipboardEvent, span: Span) => {
    const cells = [];
    for (let row = span.top; row <= span.bottom; row += 1) {
      const id = ids[row] ?? '';
      cells.push(fields.slice(span.left, span.right + 1).map((field, i) => (field ? cellText(field, heldIn(lookup, id, field), reader.locale) : builtInText(row, span.left + i))));
    }
    event.preventDefault();
    event.clipboardData.setData('text/plain', blockText(cells));
    announce(tn('cells.copied', cells.reduce((sum, row) => sum + row.length, 0)));
  };

  const clear = (span: Span) => tried(async () => {
    const cleared = fields.slice(span.left, span.right + 1);
    const required = cleared.find((f) => f?.required);
    if (required) return announce(t('cells.required', { field: required.name }), 'assertive');
    if (!mayEdit || cleared.every((f) => f === null)) return announce(t('cells.readonly'), 'assertive');
    const held = await rowsOf(span);
    const changes = ids.slice(span.top, span.bottom + 1).flatMap((id) => cleared.flatMap((f) => (f && !sameValue(heldIn(held, id, f), null) ? [{ id, fieldId: f.id, to: null }] : [])));
    if (changes.length > 0) await write(changes, held);
  });

  const paste = (event: ClipboardEvent, span: Span) => {
    const text = event.clipboardData.getData('text/plain');
    if (text === '') return;
    event.preventDefault();
    void tried(async () => {
      const block = blockOf(text);
      const one = block.length === 1 && block[0]?.length === 1 ? block[0][0] : undefined;
      // One cell fills what is selected; a block begins at its corner.
      const to: Span = one === undefined ? { ...span, bottom: span.top + block.length - 1, right: span.left + Math.max(...block.map((row) => row.length)) - 1 } : span;
      if ((to.bottom - to.top + 1) * (to.right - to.left + 1) > MOST_CELLS) return announce(t('paste.too_many', { limit: MOST_CELLS }), 'assertive');
      if (!mayEdit) return announce(t('cells.readonly'), 'assertive');
      const held = await rowsOf(to);
      const cells: PastedCell[] = [];
      let left = 0;
      for (let row = to.top; row <= to.bottom; row += 1) {
        for (let column = to.left; column <= to.right; column += 1) {
          const given = one ?? block[row - to.top]?.[column - to.left];
          if (given === undefined) continue;
          const id = ids[row];
          const field = fields[column];
          if (id === undefined || !field) {
            left += 1;
            continue;
          }
          const before = heldIn(held, id, field);
          const read = readCell(field, given, reader);
          if ('value' in read && sameValue(read.value, before)) continue;
          cells.push({ id, row: nameOf(id), field, before, read });
        }
      }
      if (cells.length === 0) return announce(t('paste.nothing'), 'assertive');
      if (cells.length <= UNASKED_CELLS && left === 0 && cells.every((c) => 'value' in c.read)) await put(cells, held);
      else setAsked({ cells, left, held });
    });
  };
  const put = (cells: PastedCell[], held: RowLookup) => write(cells.flatMap((c) => ('value' in c.read ? [{ id: c.id, fieldId: c.field.id, to: c.read.value }] : [])), held);

  const dialog: ReactNode = asked && (
    <PasteDialog cells={asked.cells} left={asked.left} onClose={() => setAsked(null)} onWrite={() => { setAsked(null); void tried(() => put(asked.cells, asked.held)); }} />
  );
  return { copy, clear, paste, dialog };
}
