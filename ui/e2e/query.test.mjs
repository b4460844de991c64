// Queries in the tables: completion by keyboard, mistakes at their place, the address, files.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { apiAs, assertAccessible, assertClean, assertFits, launch, makeFields, newPage, ticketUrl, unique } from './demo.mjs';

let browser;
let made;
let agent;
let customer;
/** Whose plan was another one before. */
let changed;
before(async () => {
  browser = await launch();
  agent = await apiAs('agent');
  made = await makeFields(await apiAs('admin'), unique('Query'), {
    level: { type: 'select', options: [{ label: 'Gold' }, { label: 'Very gold' }] }, note: { type: 'text' },
    plan: { type: 'select', options: [{ label: 'Silver' }, { label: 'Gold' }] } });
  const { body } = await agent('GET', '/customers?limit=2');
  [customer, changed] = body.items;
  const path = `/customers/${encodeURIComponent(customer.accountId)}/values`;
  const { etag } = await agent('GET', path);
  const values = { [made.fields.level.id]: made.fields.level.options[1].id, [made.fields.note.id]: '=1+1' };
  const written = await agent('PATCH', path, { values }, { 'if-match': etag });
  assert.equal(written.status, 200, JSON.stringify(written.body));
  const { plan } = made.fields;
  let seen = '"v0"';
  for (const option of plan.options) {
    const now = await agent('PUT', `/customers/${encodeURIComponent(changed.accountId)}/values/${plan.id}`, { value: option.id }, { 'if-match': seen });
    assert.equal(now.status, 200, JSON.stringify(now.body));
    seen = `"v${now.body.version}"`;
  }
});
after(async () => {
  await made?.remove();
  await browser?.close();
});

const bar = (page) => page.getByRole('textbox', { name: 'Query' });
const rows = (page) => page.locator('.table-row');

async function open(hash = '#/customers', options = {}) {
  const page = await newPage(browser, options);
  await page.goto(await ticketUrl('agent', hash));
  await page.locator('.table-row, .empty').first().waitFor();
  return page;
}

describe('a query in the table', () => {
  test('is written by keyboard with what is offered, and finds whom it means', async () => {
    const page = await open();
    await bar(page).focus();
    await page.keyboard.type(made.fields.level.name.slice(0, 11));
    // Until what is offered answers to the last letter, something else may still stand first.
    await page.getByRole('option').first().filter({ hasText: made.fields.level.name }).waitFor();
    await assertAccessible(page, 'what is offered');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    assert.equal(await bar(page).inputValue(), `"${made.fields.level.name}" `);
    await page.getByRole('option', { name: 'IS EMPTY' }).waitFor();
    await page.keyboard.type('= ver');
    await page.getByRole('option', { name: 'Very gold' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    assert.equal(await bar(page).inputValue(), `"${made.fields.level.name}" = "Very gold" `);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    await page.locator('.list-count', { hasText: /^1 customer\b/ }).waitFor();
    assert.equal(await rows(page).count(), 1);
    assert.match(await rows(page).innerText(), new RegExp(customer.displayName));
    // It is in the address: a reload shows the same.
    await page.reload();
    await page.locator('.list-count', { hasText: /^1 customer\b/ }).waitFor();
    assert.match(await bar(page).inputValue(), /Very gold/);
    await page.goBack();
    await page.locator('.list-count', { hasText: /\d\d/ }).waitFor();
    assert.equal(await bar(page).inputValue(), '');
    assertClean(page);
  });

  test('a mistake is underlined at its place, and what was meant is one press away', async () => {
    const page = await open();
    await bar(page).fill('nmae ~ a');
    await page.keyboard.press('Enter');
    await page.locator('.query-mistakes').getByText('There is no such field.').waitFor();
    assert.equal(await page.locator('mark.query-wrong').innerText(), 'nmae');
    assert.equal(await bar(page).getAttribute('aria-invalid'), 'true');
    await assertAccessible(page, 'a mistake');
    assert.ok((await rows(page).count()) > 1, 'the table stays');
    await page.getByRole('button', { name: 'Did you mean name?' }).click();
    await page.waitForURL(/query=name/);
    assert.equal(await page.locator('mark.query-wrong').count(), 0);
    assertClean(page);
  });

  test('an address with a wrong query says so, and a query without a match offers to clear it', async () => {
    const page = await open(`#/customers?query=${encodeURIComponent('name ==')}`);
    await page.getByText('This query cannot be run').waitFor();
    await page.locator('.query-mistakes li').first().waitFor();
    await bar(page).fill('name = "nobody at all"');
    await page.keyboard.press('Enter');
    await page.getByText('Nothing matches this query').waitFor();
    await assertAccessible(page, 'an empty query');
    await page.locator('.empty').getByRole('button', { name: 'Clear the query' }).click();
    await rows(page).first().waitFor();
    assertClean(page);
  });

  test('help has examples that run', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'How to write a query' }).click();
    await page.locator('.query-examples li').first().waitFor();
    await assertAccessible(page, 'the help');
    const example = (await page.locator('.query-examples code').first().innerText()).trim();
    await page.locator('.query-examples button').first().click();
    await page.waitForURL(/query=/);
    assert.equal(await bar(page).inputValue(), example);
    assert.equal(await page.locator('.query-mistakes').count(), 0);
    assertClean(page);
  });

  test('what is shown leaves as a file, harmless', async () => {
    const query = `"${made.fields.level.name}" IS NOT EMPTY`;
    const page = await open(`#/customers?query=${encodeURIComponent(query)}`);
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByText(made.fields.note.name, { exact: true }).click();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Export' }).click();
    await assertAccessible(page, 'the export menu');
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'CSV' }).click()]);
    assert.match(download.suggestedFilename(), /^customers-\d{4}-\d\d-\d\d\.csv$/);
    const lines = (await readFile(await download.path(), 'utf8')).trim().split('\r\n');
    assert.equal(lines.length, 2);
    assert.match(lines[0], new RegExp(`^﻿?Account ID,Name,E-mail,Organizations,Time zone,.*${made.fields.note.name}`));
    assert.match(lines[1], /,'=1\+1$/);
    assertClean(page);
  });

  for (const [hash, width, colorScheme] of [['#/customers?query=nmae%20%3D%20x', 360, 'light'], ['#/organizations?query=members%20%3E%200', 320, 'dark'], ['#/organizations?query=x%20%3D%201', 1280, 'dark']]) {
    test(`${hash} at ${width}px, ${colorScheme}: fits, without a violation`, async () => {
      const page = await open(hash, { width, height: 800, colorScheme });
      await assertFits(page, hash);
      await assertAccessible(page, hash);
      assertClean(page);
    });
  }
});

describe('a query of what was before', () => {
  const HINT = 'Every record is looked at for this query';

  test('is written with what is offered, finds who had a value then, and says that all are looked at', async () => {
    const page = await open();
    const plan = made.fields.plan.name;
    await bar(page).fill(`"${plan}" `);
    await page.getByRole('option', { name: /^WAS\b/ }).first().waitFor();
    await page.keyboard.type('WAS sil');
    await page.getByRole('option', { name: 'Silver' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    assert.equal(await bar(page).inputValue(), `"${plan}" WAS Silver `);
    await page.keyboard.type('BEF');
    await page.getByRole('option', { name: 'BEFORE' }).waitFor();
    await assertAccessible(page, 'what is offered of the past');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.keyboard.type('endOfDay()');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    await page.locator('.list-count', { hasText: /^1 customer\b/ }).filter({ hasText: HINT }).waitFor();
    assert.match(await rows(page).innerText(), new RegExp(changed.displayName));
    await assertAccessible(page, 'records that are looked at');
    // What stands now is asked of the index.
    for (const [query, count, hinted] of [
      [`"${plan}" = Silver`, null, false],
      [`"${plan}" = Gold`, 1, false],
      [`"${plan}" CHANGED AFTER -1d`, 1, true],
      [`"${plan}" CHANGED FROM Silver TO Gold BY currentUser() AFTER -1d`, 1, true],
      [`"${plan}" CHANGED BEFORE -1d`, null, true],
      [`"${plan}" WAS NOT Silver AND "${plan}" = Gold`, null, null],
    ]) {
      await bar(page).fill(query);
      await page.keyboard.press('Escape');
      await page.keyboard.press('Enter');
      await page.waitForURL((url) => new URLSearchParams(url.hash.split('?')[1]).get('query') === query);
      if (count === null) await page.getByText('Nothing matches this query').waitFor();
      else await page.locator('.list-count', { hasText: /^1 customer\b/ }).filter(hinted ? { hasText: HINT } : { hasNotText: HINT }).waitFor();
      if (hinted !== null) assert.equal(await page.getByText(HINT).count(), hinted ? 1 : 0, query);
    }
    assertClean(page);
  });

  test('a day that is none is marked at its place', async () => {
    const page = await open();
    await bar(page).fill(`"${made.fields.plan.name}" WAS Silver BEFORE someday`);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    await page.locator('.query-mistakes li').first().waitFor();
    assert.equal(await page.locator('mark.query-wrong').innerText(), 'someday');
    await assertAccessible(page, 'a day that is none');
    assertClean(page);
  });
});

describe('a header of the table', () => {
  test('orders by it, the other way round, and no more; the query says so and keeps its conditions', async () => {
    const page = await open(`#/customers?query=${encodeURIComponent('active = true')}`);
    const header = page.getByRole('columnheader', { name: 'Name' });
    for (const [query, direction] of [['active = true ORDER BY name', 'ascending'], ['active = true ORDER BY name DESC', 'descending'], ['active = true', null]]) {
      await header.getByRole('button').focus();
      await page.keyboard.press('Enter');
      await page.waitForURL((url) => new URLSearchParams(url.hash.split('?')[1]).get('query') === query);
      await page.waitForFunction((text) => document.querySelector('.query-input').value === text, query);
      assert.equal(await header.getAttribute('aria-sort'), direction);
      assert.equal(await page.locator('.query-mistakes').count(), 0);
      await assertAccessible(page, query);
    }
    assertClean(page);
  });
});
