/** What of values on issues is shown: which fields may be chosen, how they are asked for, why something waits. */
import type { Field, FieldOnIssues } from '../api/types';
import { t, type MessageKey } from '../messages';
import { inJira } from '../messages/en.injira';

/** Whether the server takes it; the server asks again. */
export function mayStandOnIssues(field: Pick<Field, 'audience' | 'type' | 'retired'>): boolean {
  return !field.retired && field.audience !== 'agents' && field.type !== 'longText' && field.type !== 'user';
}

/** A query to begin with. */
export function queryFor({ alias, type }: Pick<FieldOnIssues, 'alias' | 'type'>): string | null {
  if (!alias) return null;
  switch (type) {
    case 'number': return `${alias} > 0`;
    case 'date':
    case 'dateTime': return `${alias} >= startOfYear()`;
    case 'boolean': return `${alias} = "true"`;
    default: return `${alias} = "…"`;
  }
}

/** Why, in words; a code that nobody wrote words for is said to be no answer. */
export function whyWords(code: string | null | undefined): string {
  const key = `injira.why.${code ?? 'other'}`;
  return t(Object.hasOwn(inJira, key) ? (key as MessageKey) : 'injira.why.other');
}
