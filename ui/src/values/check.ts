/** What can be said about a value before it is sent. The server has the last word; this spares the way there. */
import type { Field, Value } from '../api/types';
import { t } from '../messages';
import { isEmpty } from './format';

/** Loose on purpose: it catches slips, and the server decides. */
const EMAIL = /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)*$/u;
const PHONE = /^\+?[\d\s().\-/]{3,}$/u;
/** What names its country is read wherever it is written. */
const ABROAD = /^\s*\+/u;

/** A web address that a browser may open from a link; nothing that runs script. */
export function isWebAddress(text: string): boolean {
  try {
    return ['http:', 'https:'].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}

/** Without a country of its own, a field takes only numbers that name theirs. */
function phoneComplaint(text: string, country: string | null): string | null {
  if (!PHONE.test(text)) return t('invalid.phone');
  return country === null && !ABROAD.test(text) ? t('invalid.phone.country') : null;
}

/** What is wrong with the value, or null. */
export function complaint(field: Pick<Field, 'type' | 'required' | 'country'>, value: Value): string | null {
  if (isEmpty(value)) return field.required ? t('invalid.required') : null;
  switch (field.type) {
    case 'number': return typeof value === 'number' && Number.isFinite(value) ? null : t('invalid.number');
    case 'email': return EMAIL.test(String(value)) ? null : t('invalid.email');
    case 'url': return isWebAddress(String(value)) ? null : t('invalid.url');
    case 'phone': return phoneComplaint(String(value).trim(), field.country);
    default: return null;
  }
}

/** What is sent for what was typed: outer blanks go, nothing is null. */
export function normalized(value: Value): Value {
  if (typeof value === 'string') {
    const text = value.trim();
    return text === '' ? null : text;
  }
  return isEmpty(value) ? null : value;
}
