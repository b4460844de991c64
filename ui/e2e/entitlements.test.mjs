// Products in the settings, entitlements on an organization's page, in its list, beside a request and in a customer's profile.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { apiAs, assertAccessible, assertClean, assertFits, demo, jira, launch, newPage, ticketUrl, unique } from './demo.mjs';

let browser;
let admin;
let agent;
let customer;
let organization;
const name = unique('Canoe hire');
before(async () => {
  browser = await launch();
  [admin, agent, customer] = [await apiAs('admin'), await apiAs('agent'), await apiAs('customer')];
  const me = (await customer('GET', '/me')).body.accountId;
  organization = (await agent('GET', `/customers/${me}`)).body.organizations[0];
});
after(() => browser?.close());

const path = () => `#/organizations/${organization.id}`;

test('a product is made, given, changed, withdrawn with undo, and found in the history', async () => {
  const page = await newPage(browser);
  await page.goto(await ticketUrl('admin', '#/settings/products'));
  await page.getByRole('button', { name: 'Add product' }).first().click();
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByText('Type a name.').waitFor();
  await page.getByLabel('Name').fill(name);
  await page.getByText('Customers see it in their profile').click();
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.locator('.token', { hasText: name }).getByText('Customers see it').waitFor();
  await assertAccessible(page, 'the products');

  await page.goto(await ticketUrl('agent', path()));
  const card = page.locator('.entitlements');
  await card.getByRole('button', { name: 'Add entitlement' }).click();
  await page.getByRole('button', { name: /Product/ }).click();
  await page.getByRole('option', { name }).click();
  await page.getByLabel('Unit').fill('canoes');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByText('A unit without a number limits nothing.', { exact: false }).waitFor();
  await page.getByLabel('Limit').fill('1,250');
  await page.getByLabel('Note').fill('Not on ice.');
  await assertAccessible(page, 'the dialog of an entitlement');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  const item = card.locator('.entitlement', { hasText: name });
  await item.getByText('1,250 canoes').waitFor();
  await item.getByText('Active').waitFor();
  await assertAccessible(page, 'an organization with entitlements');

  await item.getByRole('button', { name: `Edit ${name}` }).click();
  await page.getByLabel('Limit').fill('7');
  await page.getByRole('button', { name: 'Save' }).click();
  await item.getByText('7 canoes').waitFor();
  await item.getByRole('button', { name: `Withdraw ${name}` }).click();
  await item.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Undo' }).last().click();
  await item.getByText('7 canoes').waitFor();
  await card.getByRole('button', { name: 'History of entitlements' }).click();
  const entry = page.locator('.entitlement-entry', { hasText: '1,250 canoes' }).last();
  await entry.getByRole('button', { name: 'Restore' }).click();
  await page.keyboard.press('Escape');
  await item.getByText('1,250 canoes').waitFor();
  assertClean(page);
});

test('what somebody else changed meanwhile is said, and not overwritten', async () => {
  const product = (await admin('GET', '/products')).body.items.find((one) => one.name === name);
  const page = await newPage(browser);
  await page.goto(await ticketUrl('agent', path()));
  const item = page.locator('.entitlement', { hasText: name });
  await item.getByRole('button', { name: `Edit ${name}` }).click();
  const standing = (await agent('GET', `/organizations/${organization.id}/entitlements`)).body.items.find((one) => one.productId === product.id);
  const written = await admin('PUT', `/organizations/${organization.id}/entitlements/${product.id}`, { limit: 99, unit: 'canoes' }, { 'if-match': `"v${standing.version}"` });
  assert.equal(written.status, 200);
  await page.getByLabel('Limit').fill('3');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('.window .problem').waitFor();
  await page.keyboard.press('Escape');
  await item.getByText('99 canoes').waitFor();
  assertClean(page);
});

for (const [width, colorScheme] of [[360, 'light'], [1280, 'dark']]) {
  test(`a customer reads what is open to them, at ${width}px, ${colorScheme}`, async () => {
    const page = await newPage(browser, { width, height: 800, colorScheme });
    await page.goto(await ticketUrl('customer', '#/profile'));
    await page.locator('.entitlement', { hasText: name }).getByText('99 canoes').waitFor();
    assert.equal(await page.getByText('Not on ice.').count(), 0);
    await assertFits(page, 'the profile with entitlements');
    await assertAccessible(page, 'the profile with entitlements');
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/ent-profile-${width}.png`, fullPage: true });
    await page.goto(await ticketUrl('agent', path()));
    await page.locator('.entitlement', { hasText: name }).waitFor();
    await assertFits(page, 'an organization with entitlements');
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/ent-org-${width}.png`, fullPage: true });
    await page.locator('.entitlement', { hasText: name }).getByRole('button', { name: `Edit ${name}` }).click();
    await page.getByLabel('Unit').waitFor();
    await assertFits(page, 'the dialog');
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/ent-dialog-${width}.png` });
    await page.goto(await ticketUrl('agent', '#/organizations'));
    await page.locator('.entitlement-short').first().waitFor();
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/ent-list-${width}.png` });
    await page.goto(await ticketUrl('admin', '#/settings/products'));
    await page.locator('.token', { hasText: name }).waitFor();
    await assertFits(page, 'the products');
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/ent-products-${width}.png`, fullPage: true });
    assertClean(page);
  });
}

test('it stands beside a request of somebody of the organization', async () => {
  const page = await newPage(browser);
  const { accountId } = (await customer('GET', '/me')).body;
  const { email, apiToken } = demo.users.agent;
  const jql = encodeURIComponent(`reporter = "${accountId}" ORDER BY created DESC`);
  const found = await fetch(`${jira}/rest/api/3/search/jql?fields=key&maxResults=1&jql=${jql}`, { headers: { authorization: `Basic ${Buffer.from(`${email}:${apiToken}`).toString('base64')}` } });
  const [issue] = (await found.json()).issues;
  await page.goto(await ticketUrl('agent', `#/issues/${issue.key}`));
  await page.locator('.entitlements-compact .entitlement', { hasText: name }).getByText('99 canoes').waitFor();
  await assertAccessible(page, 'the panel with entitlements');
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/ent-panel.png`, fullPage: true });
  await page.goto(await ticketUrl('agent', `#/organizations?query=${encodeURIComponent(`entitlement = "${name}" ORDER BY name`)}`));
  await page.locator('.entitlement-short', { hasText: name }).first().waitFor();
  assertClean(page);
});
