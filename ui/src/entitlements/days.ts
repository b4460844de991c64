/** Days of entitlements, as people read them. */
import type { Entitlement, Terms } from '../api/types';
import type { Reader } from '../app/reader';
import { t, tn } from '../messages';
import { formatDate, formatNumber } from '../values/format';

const DAY_MS = 86_400_000;

/** Days from one day to another, both `2026-01-31`. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / DAY_MS);
}

/** Today in the reader's time zone, `2026-01-31`. */
export function today(reader: Reader, now: Date): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: reader.timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(now);
}

export function daysText({ startsOn, endsOn }: Terms, reader: Reader): string {
  const from = startsOn ? formatDate(startsOn, reader) : null;
  const until = endsOn ? formatDate(endsOn, reader) : null;
  if (from && until) return t('entitlements.during', { from, until });
  if (from) return t('entitlements.from', { from });
  return until ? t('entitlements.until', { until }) : t('entitlements.forgood');
}

export function limitText({ limit, unit }: Terms, reader: Reader): string | null {
  if (limit === null) return null;
  return unit ? `${formatNumber(limit, reader)} ${unit}` : formatNumber(limit, reader);
}

/** What it is today, in words. */
export function stateText({ state, terms }: Entitlement, reader: Reader, now: Date): string {
  if (state === 'expiring' && terms?.endsOn) {
    const left = daysBetween(today(reader, now), terms.endsOn);
    return left <= 0 ? t('entitlements.state.today') : tn('entitlements.state.expiring', left);
  }
  return t(`entitlements.state.${state === 'upcoming' || state === 'expired' ? state : 'active'}`);
}

/** What needs somebody comes first: what ends soon, what is in force, what is to come, what is over. */
const ORDER = ['expiring', 'active', 'upcoming', 'expired'];

export function byUrgency(all: readonly Entitlement[]): Entitlement[] {
  return [...all].sort((a, b) => ORDER.indexOf(a.state ?? 'expired') - ORDER.indexOf(b.state ?? 'expired') || (a.terms?.endsOn ?? '9999').localeCompare(b.terms?.endsOn ?? '9999'));
}
