/** Values as text for a reader. Pure: locale and zone come in, nothing is read from the page. */
import type { Reader } from '../app/reader';
import type { Field, FieldOption, Value } from '../api/types';
import { t } from '../messages';

/** As many digits as a double can hold: a number is never rounded by showing it. */
const ALL_DIGITS = 20;

export function formatNumber(value: number, reader: Reader): string {
  return new Intl.NumberFormat(reader.locale, { maximumFractionDigits: ALL_DIGITS }).format(value);
}

/** `2026-01-31` is a day in the calendar and belongs to no zone. */
export function formatDate(value: string, reader: Reader): string {
  const at = new Date(`${value}T00:00:00Z`);
  if (Number.isNaN(at.getTime())) return value;
  return new Intl.DateTimeFormat(reader.locale, { dateStyle: 'medium', timeZone: 'UTC' }).format(at);
}

/** An instant, in the reader's zone. */
export function formatInstant(value: string, reader: Reader): string {
  const at = new Date(value);
  if (Number.isNaN(at.getTime())) return value;
  return new Intl.DateTimeFormat(reader.locale, { dateStyle: 'medium', timeStyle: 'short', timeZone: reader.timeZone }).format(at);
}

/** The time on someone else's wall, with its zone's name: `14:05, Tokyo (GMT+9)`, and the weekday if it is another day there. */
export function formatLocalTime(now: Date, timeZone: string, reader: Reader): string {
  try {
    const time = new Intl.DateTimeFormat(reader.locale, { timeStyle: 'short', timeZone }).format(now);
    const day = (zone: string) => new Intl.DateTimeFormat(reader.locale, { weekday: 'short', timeZone: zone }).format(now);
    const offset = new Intl.DateTimeFormat(reader.locale, { timeZone, timeZoneName: 'shortOffset' }).formatToParts(now).find((p) => p.type === 'timeZoneName')?.value;
    const city = timeZone.split('/').at(-1)?.replaceAll('_', ' ') ?? timeZone;
    const there = day(timeZone);
    return `${there === day(reader.timeZone) ? '' : `${there} `}${time}, ${city}${offset && offset !== city ? ` (${offset})` : ''}`;
  } catch {
    return timeZone;
  }
}

/** `de-DE` as `German (Germany)` in the reader's language. */
export function formatLanguage(locale: string, reader: Reader): string {
  try {
    const [canonical] = Intl.getCanonicalLocales(locale.replaceAll('_', '-'));
    return (canonical && new Intl.DisplayNames([reader.locale], { type: 'language', languageDisplay: 'standard' }).of(canonical)) ?? locale;
  } catch {
    return locale;
  }
}

export function isEmpty(value: Value | undefined): value is null | undefined {
  return value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
}

export function sameValue(a: Value | undefined, b: Value | undefined): boolean {
  if (isEmpty(a) || isEmpty(b)) return isEmpty(a) && isEmpty(b);
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && [...a].sort().every((x, i) => x === [...b].sort()[i]);
  return a === b;
}

export function optionOf(field: Field, id: string): FieldOption | undefined {
  return field.options.find((o) => o.id === id);
}

/** The value as one plain text, for copying, announcing and comparing. Names of people come in as they are known. */
export function plainText(field: Field, value: Value | undefined, reader: Reader, nameOf: (accountId: string) => string | undefined = () => undefined): string {
  if (isEmpty(value)) return t('value.empty');
  const option = (id: string) => {
    const o = optionOf(field, id);
    return o ? (o.retired ? `${o.label} (${t('value.retired')})` : o.label) : t('value.unknown');
  };
  switch (field.type) {
    case 'number': return typeof value === 'number' ? formatNumber(value, reader) : String(value);
    case 'date': return formatDate(String(value), reader);
    case 'dateTime': return formatInstant(String(value), reader);
    case 'boolean': return value ? t('value.yes') : t('value.no');
    case 'select': return option(String(value));
    case 'multiSelect': return new Intl.ListFormat(reader.locale, { type: 'unit' }).format((value as string[]).map(option));
    case 'user': return nameOf(String(value)) ?? t('value.unknown');
    default: return String(value);
  }
}
