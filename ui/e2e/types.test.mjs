// Another type for a field: previewed, with what would be lost told first; changed, seen everywhere, undone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { apiAs, assertAccessible, assertClean, assertFits, launch, newPage, ticketUrl, unique } from './demo.mjs';

const name = unique('Seats');
let admin;
let browser;
let page;
let field;
let people;

/** Where somebody looks at the pages themselves, a picture of each. */
const shot = async (on, what) => {
  if (process.env.STEWARD_SHOTS) await on.screenshot({ path: `${process.env.STEWARD_SHOTS}/${what}.png`, fullPage: true });
};
const button = (text) => page.getByRole('button', { name: text });
const read = async () => (await admin('GET', `/fields/${field.id}`)).body;

before(async () => {
  browser = await launch();
  admin = await apiAs('admin');
  field = (await admin('POST', '/fields', { entity: 'customer', type: 'text', name })).body;
  people = (await admin('GET', '/customers?limit=4')).body.items;
  for (const [at, said] of ['12', '40', 'a dozen', 'ask Ana'].entries()) {
    const written = await admin('PUT', `/customers/${people[at].accountId}/values/${field.id}`, { value: said }, { 'if-match': '"v0"' });
    assert.equal(written.status, 200, JSON.stringify(written.body));
  }
  page = await newPage(browser);
  await page.goto(await ticketUrl('admin', '#/settings/customer'));
});
after(async () => {
  await admin('DELETE', `/fields/${field.id}`, undefined, { 'if-match': `"v${(await read()).version}"` });
  assertClean(page);
  await browser?.close();
});

test('the field’s menu leads to it', async () => {
  await page.getByRole('button', { name: `Actions for ${name}` }).click();
  await page.getByRole('menuitem', { name: 'Change type' }).click();
  await page.getByRole('heading', { name: new RegExp(name) }).waitFor();
  await page.getByText('First you see what becomes of every value').waitFor();
  await assertAccessible(page, 'what type is wanted');
  await shot(page, 'types-wanted');
});

test('what would be lost is told first, by name', async () => {
  await page.getByRole('button', { name: /New type/ }).click();
  await page.getByRole('option', { name: 'Number', exact: true }).click();
  await button('Show what would change').click();
  await button('Change to Number and empty 2 values').waitFor();
  assert.equal((await read()).type, 'text', 'nothing changed yet');
  assert.equal(await page.locator('.import-row').count(), 2);
  assert.match(await page.locator('.import-rows').innerText(), /a dozen[\s\S]*no number/);
  await assertAccessible(page, 'preview of a type');
  await shot(page, 'types-preview');
  await page.getByRole('radio', { name: /^2\s*Convert/ }).click();
  await page.locator('.import-to').first().waitFor();
});

test('it is changed, seen, and undone in one step', async () => {
  await button('Change to Number and empty 2 values').click();
  await page.getByText('4 values written anew').waitFor();
  assert.equal((await read()).type, 'number');
  await shot(page, 'types-done');
  await button('Undo').first().click();
  await page.getByRole('alertdialog').or(page.getByRole('dialog')).getByRole('button', { name: 'Undo' }).click();
  await page.getByText('4 values went back').waitFor();
  const held = (await admin('GET', `/customers/${people[2].accountId}/values`)).body.values.find((value) => value.fieldId === field.id);
  assert.equal(held.value, 'a dozen');
  await assertAccessible(page, 'a type that was changed back');
  await shot(page, 'types-undone');
});

test('history tells it', async () => {
  await page.goto(await ticketUrl('admin', `#/customers/${people[2].accountId}`));
  const entries = (await admin('GET', `/customers/${people[2].accountId}/history?fieldId=${field.id}`)).body.items;
  assert.deepEqual(entries.map((entry) => entry.action), ['restored', 'converted', 'set']);
});

test('a choice is made of what is written, on a narrow and dark page', async () => {
  const narrow = await newPage(browser, { width: 380, height: 800, colorScheme: 'dark' });
  await narrow.goto(await ticketUrl('admin', `#/settings/customer/${field.id}`));
  await narrow.getByRole('button', { name: 'Change type' }).click();
  await narrow.getByRole('button', { name: /New type/ }).click();
  await narrow.getByRole('option', { name: 'Choice', exact: true }).click();
  await narrow.getByText('Make an option of each value').waitFor();
  await shot(narrow, 'types-narrow-options');
  await narrow.getByRole('button', { name: 'Show what would change' }).click();
  await narrow.getByRole('button', { name: 'Change to Choice' }).waitFor();
  await narrow.getByText('Options afterwards').waitFor();
  await assertFits(narrow, 'types');
  await assertAccessible(narrow, 'narrow preview of a type');
  await shot(narrow, 'types-narrow');
  await narrow.getByRole('button', { name: 'Leave it' }).click();
  await narrow.getByText('First you see what becomes of every value').waitFor();
  assertClean(narrow);
  await narrow.close();
});
