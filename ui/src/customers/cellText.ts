/**
 * Cells as the text that a spreadsheet takes and gives: a block is lines of cells with tabs between, quoted where they
 * must be. What is copied is read back as the same value. Pure, but for the library that knows the format.
 */
import Papa from 'papaparse';
import type { Reader } from '../app/reader';
import type { Field, Value } from '../api/types';
import { t } from '../messages';
import { complaint, normalized } from '../values/check';
import { dayForms, instantForms, readDay, readInstant } from '../values/date';
import { isEmpty, optionOf } from '../values/format';
import { numberText, parseNumber } from '../values/number';

/** Between the options of one cell. */
const BETWEEN = '; ';
/** Between the forms that a text may have. */
const OR = ' · ';

export function blockText(cells: string[][]): string {
  return Papa.unparse(cells, { delimiter: '\t', newline: '\r\n' });
}

/** The cells of a pasted text; a line break at its end, as spreadsheets put one, is no row. */
export function blockOf(text: string): string[][] {
  const { data } = Papa.parse<string[]>(text.replace(/\r?\n$/, ''), { delimiter: '\t' });
  return data;
}

/** A value as text. People by the name that they are known by, else by their account id. */
export function cellText(field: Field, value: Value | undefined, locale: string, nameOf: (accountId: string) => string | undefined = () => undefined): string {
  if (isEmpty(value)) return '';
  switch (field.type) {
    case 'number': return typeof value === 'number' ? numberText(value, locale) : String(value);
    case 'boolean': return t(value ? 'value.yes' : 'value.no');
    case 'select': return optionOf(field, String(value))?.label ?? String(value);
    case 'multiSelect': return (value as string[]).map((id) => optionOf(field, id)?.label ?? id).join(BETWEEN);
    case 'user': return nameOf(String(value)) ?? String(value);
    default: return String(value);
  }
}

export type Read = { value: Value } | { wrong: string };

/** Who a text names, of a field of people: whoever was looked up for it, or why nobody was found. */
export type FindPerson = (text: string) => Read;

/** The value that a text means to a field, or what is wrong with it. */
export function readCell(field: Field, text: string, reader: Reader, person: FindPerson = (id) => ({ value: normalized(id) })): Read {
  const written = text.trim();
  if (field.type === 'user' && written !== '') return person(written);
  const value = meant(field, written, reader);
  if (value === undefined) return { wrong: notTaken(field, reader) };
  const wrong = complaint(field, value);
  return wrong ? { wrong } : { value };
}

/** Says what would be taken. */
function notTaken(field: Field, reader: Reader): string {
  switch (field.type) {
    case 'date': return t('paste.wrong.date', { forms: dayForms(reader).join(OR) });
    case 'dateTime': return t('paste.wrong.dateTime', { forms: instantForms(reader).join(OR), zone: reader.timeZone });
    case 'boolean': return t('paste.wrong.boolean');
    case 'select':
    case 'multiSelect': return t('paste.wrong.select');
    default: return t('paste.wrong.text');
  }
}

function meant(field: Field, text: string, reader: Reader): Value | undefined {
  if (text === '') return null;
  const same = (a: string, b: string) => a.localeCompare(b, reader.locale, { sensitivity: 'base' }) === 0;
  const option = (label: string) => field.options.find((o) => !o.retired && (same(o.label, label) || o.id === label))?.id;
  switch (field.type) {
    case 'number': return parseNumber(text, reader.locale);
    case 'boolean': {
      if ([t('value.yes'), 'true', 'yes', '1'].some((word) => same(word, text))) return true;
      return [t('value.no'), 'false', 'no', '0'].some((word) => same(word, text)) ? false : undefined;
    }
    case 'date': return readDay(text, reader);
    case 'dateTime': return readInstant(text, reader);
    case 'select': return option(text);
    case 'multiSelect': {
      const whole = option(text);
      const ids = whole ? [whole] : text.split(/\s*;\s*/).filter(Boolean).map(option);
      return ids.every((id) => id !== undefined) ? (ids as string[]) : undefined;
    }
    default: return normalized(text);
  }
}
