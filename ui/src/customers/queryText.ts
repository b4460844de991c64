/** Queries as text: what is underlined, what a completion makes of it, examples from a site's own fields. Pure. */
import type { Entity, Field, FieldType, Mistake } from '../api/types';

export interface Segment {
  text: string;
  wrong: boolean;
}

/** The text cut where mistakes begin and end. A mistake at the end of the text, where something is missing, is a segment of its own. */
export function segments(text: string, mistakes: Pick<Mistake, 'offset' | 'length'>[]): Segment[] {
  const found: Segment[] = [];
  let at = 0;
  for (const { offset, length } of [...mistakes].sort((a, b) => a.offset - b.offset)) {
    const start = Math.max(at, Math.min(offset, text.length));
    const end = Math.min(start + length, text.length);
    if (start > at) found.push({ text: text.slice(at, start), wrong: false });
    if (end > start) found.push({ text: text.slice(start, end), wrong: true });
    else if (length === 0) found.push({ text: '', wrong: true });
    at = Math.max(at, end);
  }
  if (at < text.length) found.push({ text: text.slice(at), wrong: false });
  return found;
}

/** Puts `insert` where the completion says, with a space behind it where one helps to go on; and where the caret then stands. */
export function completed(text: string, offset: number, length: number, insert: string): { text: string; caret: number } {
  const rest = text.slice(offset + length);
  const glued = insert.endsWith('(') || rest.startsWith(' ') || rest.startsWith(')');
  const put = glued ? insert : `${insert} `;
  const caret = offset + put.length + (rest.startsWith(' ') ? 1 : 0);
  return { text: text.slice(0, offset) + put + rest, caret };
}

/**
 * What a completion replaces now. While the next one is asked for, the list of the last stays: whoever takes from it has
 * typed on in the same word, which is then replaced up to the caret.
 */
export function rangeNow(text: string, caret: number, completion: { of: string; offset: number; length: number }): { offset: number; length: number } | null {
  const { of, offset, length } = completion;
  if (text === of) return { offset, length };
  return caret >= offset && text.startsWith(of.slice(0, offset)) ? { offset, length: caret - offset } : null;
}

const KEYWORDS = new Set(['and', 'or', 'not', 'in', 'is', 'was', 'changed', 'empty', 'null', 'order', 'by', 'before', 'after', 'on', 'during', 'from', 'to', 'asc', 'desc']);

/** A name or value as it stands in a query. */
export function quoted(text: string): string {
  return /^[\p{L}\p{N}_-]+$/u.test(text) && !KEYWORDS.has(text.toLowerCase()) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}

const FIRST: Partial<Record<FieldType, (name: string, field: Field) => string[]>> = {
  select: (name, { options }) => {
    const [first, second] = options.filter((o) => !o.retired).map((o) => quoted(o.label));
    if (!first) return [];
    return [second ? `${name} IN (${first}, ${second})` : `${name} = ${first}`, `${name} WAS ${second ?? first} BEFORE startOfMonth()`, `${name} CHANGED AFTER -30d ORDER BY updated DESC`];
  },
  date: (name) => [`${name} < 30d ORDER BY ${name}`],
  number: (name) => [`${name} >= 10`],
  phone: (name) => [`${name} IS EMPTY`],
  multiSelect: (name, { options }) => options.slice(0, 1).map((o) => `${name} = ${quoted(o.label)}`),
  longText: (name) => [`${name} ~ "battery firmware"`],
  user: (name) => [`${name} = currentUser()`],
  boolean: (name) => [`${name} = true`],
};

/** Examples that mean something here: at most one of each type of field, the kinds that people ask for most first. */
export function examples(entity: Entity, fields: Field[], organizationFields: Field[]): string[] {
  const order: FieldType[] = ['select', 'date', 'phone', 'multiSelect', 'number', 'user', 'boolean'];
  const found = order.flatMap((type) => {
    const field = fields.find((f) => f.type === type);
    return field ? (FIRST[type]?.(quoted(field.name), field) ?? []) : [];
  });
  const ofOrganization = entity === 'customer' ? organizationFields.find((f) => f.type === 'select') : undefined;
  if (ofOrganization) found.splice(1, 0, ...(FIRST.select?.(`organization.${quoted(ofOrganization.name)}`, ofOrganization).slice(0, 1) ?? []));
  if (found.length === 0) found.push(entity === 'customer' ? 'organization IS EMPTY' : 'members > 0');
  return found.slice(0, 7);
}

/** Where `ORDER BY` begins and what stands behind it. `order` is no name and no value unless it is quoted, so the first outside of quotes is it. */
const ORDER_BY = /"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|(?<![^\s"'(),=!~<>])order\s+by(?![^\s"'(),=!~<>])/giu;
const FIRST_SORT = /^\s*("(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|[^\s"'(),=!~<>]+)(?:\s+(asc|desc))?\s*(?:,|$)/iu;

function orderAt(query: string): { at: number; behind: number } | null {
  for (const found of query.matchAll(ORDER_BY)) {
    if (!/^["']/.test(found[0])) return { at: found.index, behind: found.index + found[0].length };
  }
  return null;
}

export type Direction = 'ascending' | 'descending';

/** How a query orders by this name before all others; null if it does not. */
export function directionOf(query: string, name: string): Direction | null {
  const order = orderAt(query);
  const [, field, word] = (order && FIRST_SORT.exec(query.slice(order.behind))) ?? [];
  if (!field) return null;
  const plain = /^["']/.test(field) ? field.slice(1, -1).replace(/\\([\s\S])/g, '$1') : field;
  if (plain.trim().toLowerCase() !== name.trim().toLowerCase()) return null;
  return word?.toLowerCase() === 'desc' ? 'descending' : 'ascending';
}

/** The query with the next order by this name: ascending, then descending, then the list's own. Its conditions stay as they were written. */
export function reordered(query: string, name: string): string {
  const conditions = query.slice(0, orderAt(query)?.at ?? query.length).trimEnd();
  const now = directionOf(query, name);
  if (now === 'descending') return conditions;
  const sort = `ORDER BY ${quoted(name)}${now === 'ascending' ? ' DESC' : ''}`;
  return conditions ? `${conditions} ${sort}` : sort;
}

/** What a column is called in an order. A field whose name means something else there goes by its id; fields of people give no order. */
export function sortNames(builtIn: Record<string, string>, taken: string[], fields: Field[]): Record<string, string> {
  const own = fields.filter((f) => f.type !== 'user').map(({ id, name }) => [id, taken.includes(name.trim().toLowerCase()) ? id : name] as const);
  return { ...builtIn, ...Object.fromEntries(own) };
}

const PROJECT_FIRST = /^\s*project\s*=\s*("(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|[^\s"'(),=!~<>]+)(?:\s+and\s+([\s\S]+))?\s*$/iu;
/** `OR` outside of quotes. Within parentheses it is found too: then the condition is not looked into, which only means that it is not read back. */
const OR = /"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|(?<![^\s"'(),=!~<>])or(?![^\s"'(),=!~<>])/giu;

function hasOr(conditions: string): boolean {
  return [...conditions.matchAll(OR)].some(([found]) => !/^["']/.test(found));
}

/** Whether the first parenthesis closes at the end. */
function isEnclosed(text: string): boolean {
  if (!text.startsWith('(') || !text.endsWith(')')) return false;
  let depth = 0;
  for (const [at, sign] of [...text.replace(/"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'/gu, (quote) => '_'.repeat(quote.length))].entries()) {
    if (sign === '(') depth += 1;
    if (sign === ')') depth -= 1;
    if (depth === 0 && at < text.length - 1) return false;
  }
  return depth === 0;
}

/** The project's condition that stands first, and the conditions that hold besides; none where it may mean less than it seems. */
function splitProject(query: string): { project: string | null; rest: string; order: string } {
  const at = orderAt(query)?.at ?? query.length;
  const [conditions, order] = [query.slice(0, at).trim(), query.slice(at).trim()];
  const [, word, rest = ''] = PROJECT_FIRST.exec(conditions) ?? [];
  if (!word || (hasOr(rest) && !isEnclosed(rest.trim()))) return { project: null, rest: conditions, order };
  const project = /^["']/.test(word) ? word.slice(1, -1).replace(/\\([\s\S])/g, '$1') : word;
  const inner = rest.trim();
  return { project, rest: isEnclosed(inner) ? inner.slice(1, -1).trim() : inner, order };
}

/** The one service project whose customers a query asks for, as it names it. */
export function projectOf(query: string): string | null {
  return splitProject(query).project;
}

/** The same query for the customers of another project, or of all. */
export function ofProject(query: string, project: string | null): string {
  const { rest, order } = splitProject(query);
  const condition = project === null ? '' : `project = ${quoted(project)}`;
  const besides = condition && rest && hasOr(rest) ? `(${rest})` : rest;
  return [[condition, besides].filter(Boolean).join(' AND '), order].filter(Boolean).join(' ');
}
