import { describe, expect, test } from 'vitest';
import { retryDelay, shouldRetry } from '../api/queries';
import { ApiProblem } from '../api/problem';
import { en } from '../messages/en';
import { setLanguage, t, tn } from '../messages';
import { startPage } from './App';
import { readerFrom } from './reader';
import { href, parseHash } from './route';

describe('routes', () => {
  test.each([
    ['#/customers', { page: 'customers', id: null }],
    [href.customer('a:b/c'), { page: 'customers', id: 'a:b/c' }],
    [href.list('customer', { query: 'tier = "Very gold?" AND a < 30d' }), { page: 'customers', id: null, query: 'tier = "Very gold?" AND a < 30d' }],
    [href.list('organization', {}), { page: 'organizations', id: null }],
    ['#/organizations?query=', { page: 'organizations', id: null }],
    [href.list('customer', { view: 'all' }), { page: 'customers', id: null, view: 'all' }],
    [href.list('customer', { view: 'v/1', query: '' }), { page: 'customers', id: null, view: 'v/1', query: '' }],
    [href.organization('7'), { page: 'organizations', id: '7' }],
    ['#/settings', { page: 'settings', tab: 'customer' }],
    ['#/settings/sign-in', { page: 'settings', tab: 'sign-in' }],
    ['#/settings/permissions', { page: 'settings', tab: 'permissions' }],
    ['#/issues/HELP-1', { page: 'panel', issue: 'HELP-1' }],
    ['#/customers/%', { page: 'customers', id: null }],
    ['#/elsewhere', { page: 'none' }],
    ['', { page: 'none' }],
  ])('%s', (hash, route) => {
    expect(parseHash(hash)).toEqual(route);
  });
  test('a customer starts at the profile, whatever the module', () => {
    expect(startPage({ moduleKey: null, projectKey: null }, { role: 'customer' })).toEqual({ page: 'profile' });
    expect(startPage({ moduleKey: 'settings-page', projectKey: null }, { role: 'admin' })).toEqual({ page: 'settings', tab: 'customer' });
    expect(startPage({ moduleKey: null, projectKey: null }, { role: 'agent' })).toEqual({ page: 'customers', id: null });
    expect(startPage({ moduleKey: 'project-customers', projectKey: 'IT' }, { role: 'agent' })).toEqual({ page: 'customers', id: null, query: 'project = IT' });
  });
});

describe('reader', () => {
  test('the first usable of each, and never one that Intl refuses', () => {
    expect(readerFrom({ locale: null, timeZone: 'Nowhere/X' }, { locale: 'de_DE', timeZone: 'Europe/Berlin' })).toEqual({ locale: 'de-DE', timeZone: 'Europe/Berlin' });
    expect(readerFrom({ locale: '??', timeZone: null }).locale).toBe(navigator.language);
  });
});

describe('messages', () => {
  test('parameters are filled, plurals chosen, numbers written for the reader', () => {
    setLanguage('en-US');
    expect(t('field.edit', { field: 'Plan' })).toBe('Edit Plan');
    expect(tn('panel.open', 1)).toBe('1 open request');
    expect(tn('panel.open', 1200)).toBe('1,200 open requests');
  });
  test('each counted text has both of its English forms', () => {
    const keys = Object.keys(en);
    for (const key of keys.filter((k) => k.endsWith('.one'))) expect(keys).toContain(key.replace(/\.one$/, '.other'));
  });
});

describe('trying again', () => {
  test('only what passes by itself, and not for ever', () => {
    const busy = new ApiProblem('busy', 'x');
    expect([0, 2, 3].map((n) => shouldRetry(n, busy))).toEqual([true, true, false]);
    expect(shouldRetry(0, new ApiProblem('conflict', 'x'))).toBe(false);
    expect(shouldRetry(0, new ApiProblem('refused', 'x'))).toBe(false);
  });
  test('the server’s own wait is kept; a long one is left to the person', () => {
    const asked = (ms: number) => new ApiProblem('busy', 'x', null, null, [], null, ms);
    expect(retryDelay(0, asked(3000))).toBe(3000);
    expect(shouldRetry(0, asked(60_000))).toBe(false);
    expect(retryDelay(20, new ApiProblem('unreachable', 'x'))).toBeLessThanOrEqual(10_000);
  });
});
