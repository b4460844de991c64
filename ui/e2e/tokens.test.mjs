// API tokens in the settings: none, made, copied once, used by a script, shown, revoked; wide and narrow, light and dark.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { apiAs, assertAccessible, assertClean, assertFits, launch, newPage, steward, ticketUrl, unique } from './demo.mjs';

const name = unique('Nightly import');
/** What is chosen at first. */
const SCOPES = ['customers:read', 'fields:read'];
let browser;
let page;
let secret;

async function visit(options) {
  const opened = await newPage(browser, options);
  await opened.goto(await ticketUrl('admin', '#/settings/tokens'));
  await opened.locator('.tokens').waitFor();
  return opened;
}

const ask = (path) => fetch(`${steward}/api/v1${path}`, { headers: { authorization: `Bearer ${secret}` } });
const item = () => page.locator('.token', { hasText: name });

before(async () => {
  browser = await launch();
  page = await visit();
});
after(async () => {
  const admin = await apiAs('admin');
  const { body } = await admin('GET', '/tokens');
  for (const token of body.items.filter((t) => t.name === name)) await admin('DELETE', `/tokens/${token.id}`);
  assertClean(page);
  await browser?.close();
});

test('without any, the page says what they are for', async () => {
  await page.getByText('No API token yet').waitFor();
  await assertAccessible(page, 'settings without tokens');
});

test('one without a name or a scope is refused where it is wrong', async () => {
  await page.getByRole('button', { name: 'Create token' }).first().click();
  for (const scope of SCOPES) await page.locator('.check-list .checkbox', { hasText: scope }).click();
  await page.locator('.window-foot').getByRole('button', { name: 'Create' }).click();
  await page.getByText('Give the token a name.').waitFor();
  await page.getByText('Choose at least one.').waitFor();
  await assertAccessible(page, 'the window with errors');
});

test('one is made, and its secret can be copied once', async () => {
  await page.getByRole('textbox', { name: /^Name/ }).fill(name);
  for (const scope of SCOPES) await page.locator('.check-list .checkbox', { hasText: scope }).click();
  await page.locator('.window-foot').getByRole('button', { name: 'Create' }).click();
  secret = await page.locator('.secret-text').innerText();
  assert.match(secret, /^stwa_[0-9a-f]{32}_[A-Za-z0-9_-]{49}$/);
  await assertAccessible(page, 'the window with the secret');
  await page.getByRole('button', { name: 'Copy token' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  await page.getByRole('button', { name: 'Done' }).click();
  await page.locator('.secret-text').waitFor({ state: 'detached' });
  await item().getByText('Never used').waitFor();
  assert.ok(!(await page.content()).includes(secret), 'the secret is gone from the page');
});

test('a script lives on it, and its use is shown', async () => {
  assert.equal((await ask('/customers?limit=1')).status, 200);
  assert.equal((await ask('/organizations')).status, 403);
  await page.reload();
  await item().getByText('Last used on').waitFor();
  await assertAccessible(page, 'settings with a token');
});

for (const [width, colorScheme] of [[360, 'light'], [320, 'dark'], [1280, 'dark']]) {
  test(`at ${width}px, ${colorScheme}: fits, without a violation`, async () => {
    const other = await visit({ width, height: 800, colorScheme });
    await assertFits(other, 'tokens');
    await assertAccessible(other, 'tokens');
    await other.getByRole('button', { name: 'Create token' }).first().click();
    await other.getByRole('textbox', { name: /^Name/ }).waitFor();
    await assertFits(other, 'the window');
    await assertAccessible(other, 'the window');
    assertClean(other);
  });
}

test('it is revoked after a question, and opens nothing any more', async () => {
  await item().getByRole('button', { name: `Revoke ${name}` }).click();
  await page.getByRole('button', { name: 'Revoke', exact: true }).last().click();
  await page.getByText(`“${name}” revoked`).waitFor();
  await item().waitFor({ state: 'detached' });
  assert.equal((await ask('/customers?limit=1')).status, 401);
});
