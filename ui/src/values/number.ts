/** Numbers as people type them. Never a guess that changes the number: `12.5` is no 125 in any language. */

/** The separators of a locale, for example `,` and `.` in German. */
function separators(locale: string): { decimal: string; group: string } {
  const parts = new Intl.NumberFormat(locale, { useGrouping: true }).formatToParts(1234567.5);
  const of = (type: string) => parts.find((p) => p.type === type)?.value ?? '';
  return { decimal: of('decimal') || '.', group: of('group') };
}

/** Without grouping, with all of its digits: a text that `parseNumber` reads back. */
export function numberText(value: number, locale: string): string {
  return new Intl.NumberFormat(locale, { useGrouping: false, maximumFractionDigits: 20, numberingSystem: 'latn' }).format(value).replace(/\p{Cf}/gu, '');
}

/**
 * The number of a text, null of an empty one, NaN of one that is no number or could be two. The locale's decimal
 * separator and the point are both taken for decimals, unless the locale groups by the point and three digits follow:
 * `1.234` is then a group. Groups must be whole ones of three.
 */
export function parseNumber(text: string, locale: string): number | null {
  const digits = text.normalize('NFKC').replace(/[\s'’\p{Cf}]/gu, '').replace('−', '-');
  if (digits === '') return null;
  const { decimal, group } = separators(locale);
  const marks = [...digits.matchAll(/[.,]/g)].map((m) => m[0]);
  const kinds = new Set(marks);
  let fraction: string | null = null;
  if (kinds.size === 2) fraction = marks.at(-1) ?? null;
  else if (marks.length === 1) {
    const grouped = marks[0] === group && marks[0] !== decimal && /[.,]\d{3}$/.test(digits) && !/^-?0[.,]/.test(digits);
    fraction = grouped ? null : (marks[0] ?? null);
  }
  const at = fraction === null ? -1 : digits.lastIndexOf(fraction);
  const whole = at < 0 ? digits : digits.slice(0, at);
  const rest = at < 0 ? '' : digits.slice(at + 1);
  if (!/^[-+]?(\d+|\d{1,3}([.,]\d{3})+)?$/.test(whole) || !/^\d*$/.test(rest) || !/\d/.test(digits) || new Set(whole.match(/[.,]/g)).size > 1) return Number.NaN;
  return Number(`${whole.replace(/[.,]/g, '')}.${rest || '0'}`);
}
