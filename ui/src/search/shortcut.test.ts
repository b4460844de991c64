import { expect, test } from 'vitest';
import { asksToSearch } from './QuickSearch';

const press = (key: string, more: Partial<Record<'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey', boolean>> = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });
const PAGE = { typing: false, inDialog: false };
const TYPING = { typing: true, inDialog: false };

test.each([
  ['Ctrl+K', press('k', { ctrlKey: true }), PAGE, true],
  ['Cmd+K while typing', press('K', { metaKey: true }), TYPING, true],
  ['/ on a page', press('/'), PAGE, true],
  ['/ while typing', press('/'), TYPING, false],
  ['/ with Ctrl', press('/', { ctrlKey: true }), PAGE, false],
  ['/ as Shift+7 writes it', press('/', { shiftKey: true }), PAGE, true],
  ['Ctrl+Shift+K', press('k', { ctrlKey: true, shiftKey: true }), PAGE, false],
  ['AltGr', press('k', { ctrlKey: true, altKey: true }), PAGE, false],
  ['over a dialog', press('k', { ctrlKey: true }), { typing: false, inDialog: true }, false],
  ['k', press('k'), PAGE, false],
])('%s', (_, event, target, expected) => {
  expect(asksToSearch(event, target)).toBe(expected);
});
