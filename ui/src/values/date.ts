/**
 * Dates as people write them: in the forms of ISO 8601, and in the reader's own, as cells and date inputs show them. Never a
 * guess that makes another date: what is taken reads back as it was written, in one way only.
 */
import { CalendarDate, CalendarDateTime, createCalendar, GregorianCalendar, parseDate, parseDateTime, toCalendar, toZoned, type Calendar } from '@internationalized/date';
import type { Reader } from '../app/reader';
import { formatDate, formatInstant } from './format';

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^(\d{4}-\d{2}-\d{2})[T ]((?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?$/;
/** As the API writes an instant. */
const WRITTEN = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/;
/** A day that cannot be taken for another one, whose parts are read in any order. */
const SAMPLE = { day: '2026-01-31', time: '09:00' };

const NUMERIC = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
const DAYS: Intl.DateTimeFormatOptions[] = [{ dateStyle: 'medium' }, NUMERIC];
const INSTANTS: Intl.DateTimeFormatOptions[] = [
  { dateStyle: 'medium', timeStyle: 'short' }, { ...NUMERIC, hour: '2-digit', minute: '2-digit' }, { ...NUMERIC, hour: '2-digit', minute: '2-digit', second: '2-digit' },
];

/** What each part looks like. A year has four digits: of `26` nobody knows the century. */
const PARTS: Record<string, string> = { day: '(\\d{1,2})', month: '(.+?)', year: '(\\d{4})', hour: '(\\d{1,2})', minute: '(\\d{2})', second: '(\\d{2})', dayPeriod: '(.+?)' };

interface Form {
  /** Writes it with the digits 0 to 9. */
  write: (at: Date) => string;
  calendar: Calendar;
  pattern: RegExp;
  /** The parts that the pattern finds, in their order. */
  parts: string[];
  /** The months' names; null where months are numbers. */
  months: string[] | null;
}

interface Forms {
  reader: Reader;
  plain: (text: string) => string;
  days: Form[];
  instants: Form[];
}

/** A text without what makes no difference: kinds of blanks and digits, marks of direction, commas. */
function plainIn(locale: string): (text: string) => string {
  const digits = [...new Intl.NumberFormat(locale, { useGrouping: false }).format(9_876_543_210)].reverse();
  return (text) => [...text.normalize('NFKC')].map((c) => (digits.includes(c) ? String(digits.indexOf(c)) : c)).join('')
    .replace(/\p{Cf}/gu, '').replace(/[\s,،、]+/gu, ' ').trim().toLocaleLowerCase(locale);
}

/** Whether two texts are the same but for zeros before their numbers. */
function same(one: string, other: string): boolean {
  const bare = (text: string) => text.replace(/(?<!\d)0+(?=\d)/g, '');
  return bare(one) === bare(other);
}

function formOf(options: Intl.DateTimeFormatOptions, locale: string, timeZone: string, plain: (text: string) => string): Form {
  const format = new Intl.DateTimeFormat(locale, { ...options, numberingSystem: 'latn', timeZone });
  const calendar = createCalendar(format.resolvedOptions().calendar as Parameters<typeof createCalendar>[0]);
  const partsOf = (at: Date) => format.formatToParts(at);
  const sample = toCalendar(parseDate(SAMPLE.day), calendar);
  const found = partsOf(sample.toDate(timeZone));
  const parts = found.flatMap((p) => (PARTS[p.type] ? [p.type] : []));
  // Letters of nobody stand for the parts while the rest is made plain.
  const letter = (type: string) => String.fromCodePoint(0xe000 + Object.keys(PARTS).indexOf(type));
  const around = plain(found.map((p) => (PARTS[p.type] ? letter(p.type) : p.value)).join(''));
  const pattern = parts.reduce((text, type) => text.replace(letter(type), PARTS[type] ?? ''), around.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'));
  const month = (at: Date) => partsOf(at).find((p) => p.type === 'month')?.value ?? '';
  const named = !/^\d+$/.test(month(sample.toDate(timeZone)));
  const months = Array.from({ length: calendar.getMonthsInYear(sample) }, (_, i) => plain(month(new CalendarDate(calendar, sample.year, i + 1, 15).toDate(timeZone))));
  return { write: (at) => plain(format.format(at)), calendar, pattern: new RegExp(`^${pattern}$`, 'u'), parts, months: named ? months : null };
}

/** The reader hardly changes: their forms are made once. */
let made: Forms | null = null;

function formsOf(reader: Reader): Forms {
  if (made?.reader.locale !== reader.locale || made.reader.timeZone !== reader.timeZone) {
    const plain = plainIn(reader.locale);
    const all = (options: Intl.DateTimeFormatOptions[], timeZone: string) => options.flatMap((o) => {
      try {
        return [formOf(o, reader.locale, timeZone, plain)];
      } catch {
        // A calendar that nobody can count in here: the forms of ISO are left.
        return [];
      }
    });
    made = { reader, plain, days: all(DAYS, 'UTC'), instants: all(INSTANTS, reader.timeZone) };
  }
  return made;
}

/** The parts of a text in this form, and the day that they name in the form's calendar. */
function partsIn(form: Form, text: string): { day: CalendarDate; of: (type: string) => string } | null {
  const found = form.pattern.exec(text);
  if (!found) return null;
  const of = (type: string) => found[form.parts.indexOf(type) + 1] ?? '';
  const month = form.months ? form.months.indexOf(of('month')) + 1 : Number(of('month'));
  if (!(month > 0)) return null;
  const [year, day] = [Number(of('year')), Number(of('day'))];
  const made = new CalendarDate(form.calendar, year, month, day);
  // A day that the month does not have would become another one.
  return made.year === year && made.month === month && made.day === day ? { day: made, of } : null;
}

const onlyOne = <T>(found: T[]): T | undefined => (new Set(found).size === 1 ? found[0] : undefined);

function isDay(text: string): boolean {
  try {
    return DAY.test(text) && Boolean(parseDate(text));
  } catch {
    return false;
  }
}

/** The one instant at which clocks in this zone show this; none where they skip it, or show it twice. */
function instantOf(shown: CalendarDateTime, timeZone: string): Date | undefined {
  const [earlier, later] = [toZoned(shown, timeZone, 'earlier').toDate(), toZoned(shown, timeZone, 'later').toDate()];
  return earlier.getTime() === later.getTime() ? earlier : undefined;
}

/** As the API writes it. */
const written = (at: Date) => at.toISOString().replace(/\.000Z$/, 'Z');

/** The day that a text names, as `2026-01-31`. */
export function readDay(text: string, reader: Reader): string | undefined {
  if (isDay(text)) return text;
  const { plain, days } = formsOf(reader);
  const wanted = plain(text);
  return onlyOne(days.flatMap((form) => {
    const named = partsIn(form, wanted);
    return named && same(form.write(named.day.toDate('UTC')), wanted) ? [toCalendar(named.day, new GregorianCalendar()).toString()] : [];
  }));
}

/** The instant that a text names, as the API writes it. What names no zone is meant in the reader's. */
export function readInstant(text: string, reader: Reader): string | undefined {
  const [, day = '', time = '', zone] = TIME.exec(text) ?? [];
  if (day !== '') {
    if (!isDay(day)) return undefined;
    if (WRITTEN.test(text)) return text;
    const at = zone ? new Date(`${day}T${time}${zone.replace(/(\d{2})(\d{2})$/, '$1:$2')}`) : instantOf(parseDateTime(`${day}T${time}`), reader.timeZone);
    return at && !Number.isNaN(at.getTime()) ? written(at) : undefined;
  }
  const { plain, instants } = formsOf(reader);
  const wanted = plain(text);
  return onlyOne(instants.flatMap((form) => {
    const named = partsIn(form, wanted);
    if (!named) return [];
    const { day: on, of } = named;
    const hour = Number(of('hour'));
    // Where a clock has twelve hours, the text itself says which half of the day is meant, in its own words.
    return [hour, hour + 12, hour - 12].filter((h) => h >= 0 && h < 24).flatMap((h) => {
      const at = instantOf(new CalendarDateTime(form.calendar, on.year, on.month, on.day, h, Number(of('minute')), Number(of('second'))), reader.timeZone);
      return at && same(form.write(at), wanted) ? [written(at)] : [];
    });
  }));
}

/** The forms that are taken, by the example of one day. */
export function dayForms(reader: Reader): string[] {
  const at = new Date(`${SAMPLE.day}T00:00:00Z`);
  return [...new Set([SAMPLE.day, formatDate(SAMPLE.day, reader), new Intl.DateTimeFormat(reader.locale, { ...NUMERIC, timeZone: 'UTC' }).format(at)])];
}

export function instantForms(reader: Reader): string[] {
  const at = toZoned(parseDateTime(`${SAMPLE.day}T${SAMPLE.time}`), reader.timeZone).toDate();
  const numeric = new Intl.DateTimeFormat(reader.locale, { ...NUMERIC, hour: '2-digit', minute: '2-digit', timeZone: reader.timeZone }).format(at);
  return [...new Set([`${SAMPLE.day}T${SAMPLE.time}:00Z`, `${SAMPLE.day} ${SAMPLE.time}`, formatInstant(at.toISOString(), reader), numeric])];
}
