import { describe, expect, it } from 'vitest';
import type { Entitlement } from '../api/types';
import type { Reader } from '../app/reader';
import { byUrgency, daysBetween, daysText, limitText, stateText, today } from './days';

const reader = { locale: 'en', timeZone: 'Pacific/Auckland' } as Reader;
const now = new Date('2026-11-22T12:00:00Z');
const terms = (more: Partial<NonNullable<Entitlement['terms']>>) => ({ startsOn: null, endsOn: null, limit: null, unit: null, note: null, ...more });
const held = (state: Entitlement['state'], endsOn: string | null, productName = ''): Entitlement =>
  ({ productId: productName, productName, productRetired: false, state, terms: terms({ endsOn }), version: 1, updatedAt: '', updatedBy: null as never });

describe('days of entitlements', () => {
  it('counts days over a change of the clock', () => expect(daysBetween('2026-03-28', '2026-03-30')).toBe(2));
  it('knows the day where the reader is', () => expect(today(reader, now)).toBe('2026-11-23'));
  it.each([
    [held('expiring', '2026-11-23'), 'Ends today'],
    [held('expiring', '2026-11-24'), 'Ends in 1 day'],
    [held('expiring', '2026-12-23'), 'Ends in 30 days'],
    [held('expired', '2026-11-01'), 'Expired'],
    [held('upcoming', null), 'Upcoming'],
    [held('active', null), 'Active'],
  ])('says what it is', (one, text) => expect(stateText(one, reader, now)).toBe(text));
  it('says when and how many', () => {
    expect(daysText(terms({}), reader)).toBe('No end date');
    expect(daysText(terms({ endsOn: '2026-12-31' }), reader)).toMatch(/^Until .*2026/);
    expect(limitText(terms({ limit: 1200, unit: 'seats' }), reader)).toBe('1,200 seats');
    expect(limitText(terms({}), reader)).toBeNull();
  });
  it('puts first what ends first', () => {
    const all = [held('expired', '2020-01-01', 'a'), held('active', null, 'b'), held('expiring', '2026-12-02', 'c'), held('expiring', '2026-12-01', 'd')];
    expect(byUrgency(all).map((one) => one.productName)).toEqual(['d', 'c', 'b', 'a']);
  });
});
