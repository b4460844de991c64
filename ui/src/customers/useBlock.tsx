/** A block of cells: copied, cleared, pasted over; and what of that needs to be asked first. */
import { useState, type ClipboardEvent, type ReactNode } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { useReader } from '../app/reader';
import { useServices } from '../app/services';
import { asProblem } from '../api/problem';
import { keys } from '../api/queries';
import type { Entity, Field, RowValues } from '../api/types';
import { announce } from '../kit/announce';
import { showFlag } from '../kit/flags';
import { t, tn } from '../messages';
import { sameValue } from '../values/format';
import type { RowLookup } from '../values/rowValues';
import { blockOf, blockText, cellText, readCell, type Read } from './cellText';
import { PasteDialog, type PastedCell } from './PasteDialog';
import { findPeople, knownName, MOST_PEOPLE, readNames } from './people';
import type { Change } from './useCellWrites';

/** More cells than this are shown before they are written. */
const UNASKED_CELLS = 10;
/** A table is no importer: what is more comes as a file, with a report. */
const MOST_CELLS = 2_000;
const ROWS_AT_ONCE = 100;
/** Rows out of sight that are read to be copied. */
const MOST_ROWS = 2_000;
/** What was read to be copied stands for so long. */
const READ_MS = 30_000;
/**
 * The same block once more, with people by their account ids: what is pasted within the browser means whom it meant, also where
 * several have one name. Other programs take the plain text, which has the names.
 */
const WITH_IDS = 'application/x-steward-cells';

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
  const { calls, me } = useServices();
  const client = useQueryClient();
  const reader = useReader();
  const [asked, setAsked] = useState<{ cells: PastedCell[]; left: number; held: RowLookup } | null>(null);

  const read = fields.flatMap((f) => (f ? [f.id] : []));
  /** Rows of a block that are not in sight, as they are asked for; none where it has only what comes from Jira. */
  const chunksOf = (span: Span): string[][] => {
    if (fields.slice(span.left, span.right + 1).every((f) => f === null)) return [];
    const missing = ids.slice(span.top, span.bottom + 1).filter((id) => !lookup(id));
    return Array.from({ length: Math.ceil(missing.length / ROWS_AT_ONCE) }, (_, i) => missing.slice(i * ROWS_AT_ONCE, (i + 1) * ROWS_AT_ONCE));
  };
  const withRows = (rows: RowValues[]): RowLookup => {
    const found = new Map(rows.map((row) => [row.id, row]));
    return (id) => lookup(id) ?? found.get(id);
  };
  /** The rows of a block: those in sight as they were seen, the others read now. */
  const rowsOf = async (span: Span): Promise<RowLookup> => {
    const rows: RowValues[] = [];
    for (const chunk of chunksOf(span)) {
      rows.push(...await client.fetchQuery({ queryKey: keys.rows(entity, read, chunk), queryFn: () => calls.rowValues(entity, chunk, read), staleTime: 0 }));
    }
    return withRows(rows);
  };
  /** The same without asking; null where something was not read, or too long ago. */
  const rowsRead = (span: Span): RowLookup | null => {
    const rows: RowValues[] = [];
    for (const chunk of chunksOf(span)) {
      const known = client.getQueryState<RowValues[]>(keys.rows(entity, read, chunk));
      if (!known?.data || known.isInvalidated || Date.now() - known.dataUpdatedAt > READ_MS) return null;
      rows.push(...known.data);
    }
    return withRows(rows);
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

  const nameOfPerson = (id: string) => (id === me.accountId ? me.displayName : (knownName(client, id) ?? undefined));
  /** Whom a block holds whose names nobody has read yet. */
  const unnamed = (span: Span, held: RowLookup): string[] => {
    const users = fields.slice(span.left, span.right + 1).filter((f) => f?.type === 'user');
    const people = ids.slice(span.top, span.bottom + 1).flatMap((id) => users.map((f) => (f ? heldIn(held, id, f) : null)));
    return [...new Set(people)].filter((id): id is string => typeof id === 'string' && id !== me.accountId && knownName(client, id) === undefined);
  };
  /** A clipboard takes only what is there at once: what is not is read now, for the next time. */
  const readFirst = (span: Span) => tried(async () => {
    if (chunksOf(span).length * ROWS_AT_ONCE > MOST_ROWS) return showFlag({ tone: 'error', text: t('cells.copy.too_many') });
    announce(t('cells.copy.reading'));
    const people = unnamed(span, await rowsOf(span));
    if (people.length > MOST_PEOPLE) return showFlag({ tone: 'error', text: t('cells.copy.too_many') });
    await readNames(client, calls, people);
    showFlag({ tone: 'info', text: t('cells.copy.again') });
  });

  const copy = (event: ClipboardEvent, span: Span) => {
    event.preventDefault();
    const held = rowsRead(span);
    if (!held || unnamed(span, held).length > 0) return void readFirst(span);
    const block = (nameOf?: (accountId: string) => string | undefined) => blockText(ids.slice(span.top, span.bottom + 1).map((id, i) => (
      fields.slice(span.left, span.right + 1).map((field, j) => (field ? cellText(field, heldIn(held, id, field), reader.locale, nameOf) : builtInText(span.top + i, span.left + j)))
    )));
    event.clipboardData.setData('text/plain', block(nameOfPerson));
    event.clipboardData.setData(WITH_IDS, block());
    announce(tn('cells.copied', (span.bottom - span.top + 1) * (span.right - span.left + 1)));
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
    const withIds = event.clipboardData.getData(WITH_IDS);
    event.preventDefault();
    void tried(async () => {
      const block = blockOf(text);
      const own = withIds === '' ? [] : blockOf(withIds);
      const one = block.length === 1 && block[0]?.length === 1 ? block[0][0] : undefined;
      // One cell fills what is selected; a block begins at its corner.
      const to: Span = one === undefined ? { ...span, bottom: span.top + block.length - 1, right: span.left + Math.max(...block.map((row) => row.length)) - 1 } : span;
      if ((to.bottom - to.top + 1) * (to.right - to.left + 1) > MOST_CELLS) return announce(t('paste.too_many', { limit: MOST_CELLS }), 'assertive');
      if (!mayEdit) return announce(t('cells.readonly'), 'assertive');
      const held = await rowsOf(to);
      const given: { id: string; field: Field; text: string; accountId: string | undefined }[] = [];
      let left = 0;
      for (let row = to.top; row <= to.bottom; row += 1) {
        for (let column = to.left; column <= to.right; column += 1) {
          const [y, x] = one === undefined ? [row - to.top, column - to.left] : [0, 0];
          const pasted = block[y]?.[x];
          if (pasted === undefined) continue;
          const id = ids[row];
          const field = fields[column];
          // Where the two differ, the one is a name and the other an id.
          if (id === undefined || !field) left += 1;
          else given.push({ id, field, text: pasted.trim(), accountId: own[y]?.[x] === pasted ? undefined : own[y]?.[x] });
        }
      }
      const wanted = new Set(given.filter((g) => g.field.type === 'user' && g.accountId === undefined && g.text !== '').map((g) => g.text));
      if (wanted.size > MOST_PEOPLE) return announce(t('paste.too_many_people', { limit: MOST_PEOPLE }), 'assertive');
      if (wanted.size > 0) announce(t('paste.people'));
      const people = await findPeople(client, calls, wanted);
      const cells: PastedCell[] = given.flatMap(({ id, field, text: said, accountId }) => {
        const before = heldIn(held, id, field);
        const meant: Read = readCell(field, said, reader, (who) => (accountId === undefined ? (people.get(who) ?? { wrong: t('paste.wrong.user') }) : { value: accountId }));
        return 'value' in meant && sameValue(meant.value, before) ? [] : [{ id, row: nameOf(id), field, before, read: meant }];
      });
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
