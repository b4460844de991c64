import { describe, expect, test } from 'vitest';
import { dayForms, instantForms, readDay, readInstant } from './date';
import { formatDate, formatInstant } from './format';

const of = (locale: string, timeZone = 'Europe/Berlin') => ({ locale, timeZone });
const LOCALES = ['en-GB', 'en-US', 'de', 'de-CH', 'fr', 'fr-CA', 'es', 'pt-BR', 'pl', 'cs', 'ru', 'fi', 'da', 'sv', 'hu', 'lt', 'tr', 'ja', 'ko', 'zh-CN', 'zh-TW', 'ar', 'ar-SA', 'he', 'hi', 'bn', 'th', 'fa', 'vi', 'id'];
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'America/St_Johns', 'Asia/Kolkata', 'Pacific/Kiritimati', 'Pacific/Pago_Pago'];

describe('what is shown is read back', () => {
  test.each(LOCALES)('days in %s', (locale) => {
    for (const day of ['2026-01-31', '2026-02-01', '2024-02-29', '1999-12-31', '2026-05-09', '2026-10-10']) {
      for (const zone of ZONES) expect(readDay(formatDate(day, of(locale, zone)), of(locale, zone))).toBe(day);
    }
  });
  test.each(LOCALES)('every month in %s', (locale) => {
    for (let month = 1; month <= 12; month += 1) {
      const day = `2026-${String(month).padStart(2, '0')}-17`;
      expect(readDay(formatDate(day, of(locale)), of(locale))).toBe(day);
    }
  });
  test.each(LOCALES)('instants in %s', (locale) => {
    for (const at of ['2026-01-31T09:05:00Z', '2026-07-01T22:30:00Z', '2026-12-31T00:00:00Z', '2026-06-15T12:00:00Z', '2026-06-15T03:59:00Z', '2026-06-15T18:15:00Z']) {
      for (const zone of ZONES) expect(readInstant(formatInstant(at, of(locale, zone)), of(locale, zone))).toBe(at);
    }
  });
  test.each(LOCALES)('the forms that are named are taken in %s', (locale) => {
    for (const form of dayForms(of(locale))) expect([form, readDay(form, of(locale))]).toEqual([form, '2026-01-31']);
    for (const form of instantForms(of(locale, 'UTC'))) expect([form, readInstant(form, of(locale, 'UTC'))]).toEqual([form, '2026-01-31T09:00:00Z']);
  });
});

describe('days', () => {
  test.each<[string, string, string]>([
    ['en-GB', '31 Jan 2026', '2026-01-31'], ['en-GB', '31  JAN 2026', '2026-01-31'], ['en-US', 'Jan 31, 2026', '2026-01-31'], ['en-US', 'Jan 31 2026', '2026-01-31'],
    ['de', '31.01.2026', '2026-01-31'], ['de', '31.1.2026', '2026-01-31'], ['de', '1.2.2026', '2026-02-01'], ['fr', '31 janv. 2026', '2026-01-31'], ['ja', '2026/01/31', '2026-01-31'],
    // Either day or month, by the reader's own order.
    ['en-GB', '01/02/2026', '2026-02-01'], ['en-US', '01/02/2026', '2026-01-02'], ['en-US', '1/2/2026', '2026-01-02'],
    // In the calendar that the reader sees.
    ['th', '31 ม.ค. 2569', '2026-01-31'], ['en-GB', '2026-01-31', '2026-01-31'], ['fa', '2026-01-31', '2026-01-31'],
  ])('%s takes “%s”', (locale, text, day) => {
    for (const zone of ZONES) expect(readDay(text, of(locale, zone))).toBe(day);
  });
  test.each<[string, string]>([
    ['en', 'Contract 7'], ['en', '7'], ['en', '2026'], ['en', 'Jan'], ['en-US', '31/01/2026'], ['en-GB', '01/31/2026'], ['de', '31 Jan 2026'], ['en-GB', '31.01.2026'],
    ['en-GB', '30 Feb 2026'], ['de', '30.02.2026'], ['de', '29.02.2026'], ['en', '2026-02-30'], ['en', '2026-13-01'], ['en', '2026-1-31'], ['de', '31.01.26'], ['en-GB', '31/01/26'],
    ['en-US', 'Jan 31, 26'], ['en', '2026-01-31T09:00:00Z'], ['en-GB', '31 Jan 2026, 09:00'], ['en-GB', 'on 31 Jan 2026'], ['en', '46053'], ['en', 'tomorrow'], ['en', ''],
  ])('%s refuses “%s”', (locale, text) => {
    expect(readDay(text, of(locale))).toBeUndefined();
  });
});

describe('instants', () => {
  test.each<[string, string, string, string]>([
    ['en-GB', 'Europe/Berlin', '2026-01-31T09:00:00Z', '2026-01-31T09:00:00Z'], ['en-GB', 'Europe/Berlin', '2026-01-31T09:00:00.123456Z', '2026-01-31T09:00:00.123456Z'],
    ['en-GB', 'Europe/Berlin', '2026-01-31T09:00Z', '2026-01-31T09:00:00Z'], ['en-GB', 'Europe/Berlin', '2026-01-31T09:00:00+02:00', '2026-01-31T07:00:00Z'],
    ['en-GB', 'Europe/Berlin', '2026-01-31T09:00-0330', '2026-01-31T12:30:00Z'],
    // Without a zone: the reader's, not the browser's.
    ['en-GB', 'Europe/Berlin', '2026-01-31T09:00', '2026-01-31T08:00:00Z'], ['en-GB', 'Asia/Tokyo', '2026-01-31 09:00:30', '2026-01-31T00:00:30Z'],
    ['en-GB', 'America/New_York', '31 Jan 2026, 09:00', '2026-01-31T14:00:00Z'], ['en-GB', 'America/New_York', '31/01/2026 09:00', '2026-01-31T14:00:00Z'],
    ['en-GB', 'America/New_York', '31/01/2026 09:00:15', '2026-01-31T14:00:15Z'], ['de', 'Europe/Berlin', '31.01.2026, 09:00', '2026-01-31T08:00:00Z'],
    ['de', 'Europe/Berlin', '31.1.2026 9:00', '2026-01-31T08:00:00Z'], ['en-US', 'UTC', 'Jan 31, 2026, 9:00 PM', '2026-01-31T21:00:00Z'],
    ['en-US', 'UTC', '1/31/2026 12:30 am', '2026-01-31T00:30:00Z'], ['en-US', 'UTC', 'Jan 31, 2026, 12:30 PM', '2026-01-31T12:30:00Z'],
    ['en-GB', 'Europe/Berlin', '1 Jul 2026, 09:00', '2026-07-01T07:00:00Z'],
  ])('%s in %s takes “%s”', (locale, zone, text, at) => {
    expect(readInstant(text, of(locale, zone))).toBe(at);
  });
  test.each<[string, string, string]>([
    ['en', 'UTC', 'Contract 7'], ['en', 'UTC', 'tomorrow'], ['en', 'UTC', '2026-01-31'], ['en-GB', 'UTC', '31 Jan 2026'], ['en', 'UTC', '2026-02-30T09:00:00Z'], ['en', 'UTC', '2026-01-31T25:00:00Z'],
    ['en', 'UTC', '2026-01-00T09:00'], ['en', 'UTC', '2026-01-31T09:00:00+99:00'], ['en-US', 'UTC', '1/31/2026 9:00'], ['en-GB', 'UTC', '31/01/26 09:00'], ['en-GB', 'UTC', '31/01/2026 9:5'],
    // Clocks skip the one, and show the other twice.
    ['en-GB', 'Europe/Berlin', '2026-03-29T02:30'], ['en-GB', 'Europe/Berlin', '29 Mar 2026, 02:30'], ['en-GB', 'Europe/Berlin', '2026-10-25T02:30'], ['en-GB', 'Europe/Berlin', '25 Oct 2026, 02:30'],
  ])('%s in %s refuses “%s”', (locale, zone, text) => {
    expect(readInstant(text, of(locale, zone))).toBeUndefined();
  });
});
