/**
 * Cells as the text that a spreadsheet takes and gives: a block is lines of cells with tabs between, quoted where they
 * must be. What is copied is read back as the same value. Pure, but for the library that knows the format.
 */
import Papa from 'papaparse';
import type { Field, Value } from '../api/types';
import { t } from '../messages';
import { complaint, normalized } from '../values/check';
import { isEmpty, optionOf } from '../values/format';
import { numberText, parseNumber } from '../values/number';

/** Between the options of one cell. */
const BETWEEN = '; ';
const DAY = /^\d{4}-\d{2}-\d{2}$/;

export function blockText(cells: string[][]): string {
  return Papa.unparse(cells, { delimiter: '\t', newline: '\r\n' });
}

/** The cells of a pasted text; a line break at its end, as spreadsheets put one, is no row. */
export function blockOf(text: string): string[][] {
  const { data } = Papa.parse<string[]>(text.replace(/\r?\n$/, ''), { delimiter: '\t' });
  return data;
}

/** A value as text. People by their account id: it is what can be pasted again. */
export function cellText(field: Field, value: Value | undefined, locale: string): string {
  if (isEmpty(value)) return '';
  switch (field.type) {
    case 'number': return typeof value === 'number' ? numberText(value, locale) : String(value);
    case 'boolean': return t(value ? 'value.yes' : 'value.no');
    case 'select': return optionOf(field, String(value))?.label ?? String(value);
    case 'multiSelect': return (value as string[]).map((id) => optionOf(field, id)?.label ?? id).join(BETWEEN);
    default: return String(value);
  }
}

export type Read = { value: Value } | { wrong: string };

/** The value that a text means to a field, or what is wrong with it. */
export function readCell(field: Field, text: string, locale: string): Read {
  const value = meant(field, text.trim(), locale);
  if (value === undefined) return { wrong: t(`paste.wrong.${field.type === 'multiSelect' ? 'select' : field.type === 'dateTime' || field.type === 'boolean' || field.type === 'select' || field.type === 'date' ? field.type : 'text'}`) };
  const wrong = complaint(field, value);
  return wrong ? { wrong } : { value };
}

function meant(field: Field, text: string, locale: string): Value | undefined {
  if (text === '') return null;
  const same = (a: string, b: string) => a.localeCompare(b, locale, { sensitivity: 'base' }) === 0;
  const option = (label: string) => field.options.find((o) => !o.retired && (same(o.label, label) || o.id === label))?.id;
  switch (field.type) {
    case 'number': return parseNumber(text, locale);
    case 'boolean': {
      if ([t('value.yes'), 'true', 'yes', '1'].some((word) => same(word, text))) return true;
      return [t('value.no'), 'false', 'no', '0'].some((word) => same(word, text)) ? false : undefined;
    }
    case 'date': return DAY.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`)) ? text : undefined;
    case 'dateTime': {
      const at = new Date(text);
      return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
    }
    case 'select': return option(text);
    case 'multiSelect': {
      const whole = option(text);
      const ids = whole ? [whole] : text.split(/\s*;\s*/).filter(Boolean).map(option);
      return ids.every((id) => id !== undefined) ? (ids as string[]) : undefined;
    }
    default: return normalized(text);
  }
}
