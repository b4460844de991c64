import { expect, test } from 'vitest';
import type { HeldClass, Reading } from '../api/types';
import { byTime, classWords, inOrder, keptWords, readerWords } from './words';

test('a class has words, and one without them says what it says itself', () => {
  expect(classWords({ name: 'reading', purpose: 'x' }).title).toBe('Who looked');
  expect(classWords({ name: 'something-new', purpose: 'Kept for a reason.' })).toEqual({ title: 'something-new', why: 'Kept for a reason.' });
  expect(classWords({ name: 'toString', purpose: 'p' }).why).toBe('p');
});

test('what was written comes first, what nobody explained last', () => {
  const classes = ['something-new', 'access-token', 'customer-value'].map((name) => ({ name }) as HeldClass);
  expect(inOrder(classes).map((one) => one.name)).toEqual(['customer-value', 'access-token', 'something-new']);
});

test('how long something is kept', () => {
  expect(keptWords(null)).toContain('30 days');
  expect(keptWords(1)).toBe('Gone within a day');
  expect(keptWords(365)).toBe('Gone within 365 days');
});

const reading = (over: Partial<Reading>): Reading => ({ day: '2026-11-22', lastAt: '2026-11-22T09:00:00Z', by: 'supportTeam', way: 'panel', readers: 1, ...over }) as Reading;

test('who looked', () => {
  expect(readerWords(reading({}))).toBe('Somebody of the support team');
  expect(readerWords(reading({ readers: 3 }))).toBe('3 people of the support team');
  expect(readerWords(reading({ by: 'receiver', receiverName: 'CRM' }))).toBe('Another system: CRM');
  expect(readerWords(reading({ by: 'receiver' }))).toBe('Another system');
  expect(readerWords(reading({ by: 'issueReaders', way: 'issue', readers: 1 }))).toContain('in Jira');
  const reader = { accountId: '5b', tokenId: '', webhookId: '', displayName: 'Mia Novak' };
  expect(readerWords(reading({ reader } as Partial<Reading>))).toBe('Mia Novak');
  expect(readerWords(reading({ by: 'automation', reader: { ...reader, displayName: '' } } as Partial<Reading>))).toBe('An API token');
});

test('newest first', () => {
  const all = byTime([reading({ lastAt: '2026-11-21T09:00:00Z' }), reading({ lastAt: '2026-11-22T09:00:00Z' })]);
  expect(all.map((one) => one.lastAt)).toEqual(['2026-11-22T09:00:00Z', '2026-11-21T09:00:00Z']);
});
