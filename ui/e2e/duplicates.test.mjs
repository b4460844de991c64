// Two customers that may be one person: told why, said not to be, merged value by value, taken back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { apiAs, assertAccessible, assertClean, assertFits, launch, makeFields, newPage, ticketUrl, unique } from './demo.mjs';

let browser;
let agent;
let made;
let kept;
let merged;
const number = `+4940${String(Math.floor(Math.random() * 9_000_000) + 1_000_000)}`;
const write = async (account, field, value) => {
  const standing = (await agent('GET', `/customers/${account.accountId}/values`)).body.values.find((one) => one.fieldId === made.fields[field].id);
  const answer = await agent('PUT', `/customers/${account.accountId}/values/${made.fields[field].id}`, { value }, { 'if-match': `"v${standing?.version ?? 0}"` });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
};
before(async () => {
  browser = await launch();
  agent = await apiAs('agent');
  made = await makeFields(await apiAs('admin'), unique('Merge'), { phone: { type: 'phone' }, plan: { type: 'text' }, note: { type: 'longText' } });
  const { items } = (await agent('GET', '/customers?limit=100')).body;
  // Not those that other tests work with: the last of the list.
  [kept, merged] = items.slice(-2);
  for (const account of [kept, merged]) await write(account, 'phone', number);
  await write(kept, 'plan', 'Basic');
  await write(merged, 'plan', 'Premium');
  await write(merged, 'note', 'Only with the other one.');
});
after(async () => {
  await made?.remove();
  await browser?.close();
});

const pair = (page) => page.locator('.duplicate').filter({ hasText: kept.displayName }).filter({ hasText: merged.displayName });

for (const [width, colorScheme] of [[360, 'light'], [1280, 'dark']]) {
  test(`pairs and the two beside each other at ${width}px, ${colorScheme}`, async () => {
    const page = await newPage(browser, { width, height: 800, colorScheme });
    await page.goto(await ticketUrl('agent', '#/duplicates'));
    await pair(page).getByText('Same telephone number').waitFor();
    await assertFits(page, 'the duplicates');
    await assertAccessible(page, 'the duplicates');
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/dup-list-${width}.png` });
    await pair(page).getByRole('link', { name: /Compare and merge/ }).click();
    await page.getByText('Choose what stands').waitFor();
    await assertFits(page, 'the merge');
    await assertAccessible(page, 'the merge');
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/dup-merge-${width}.png`, fullPage: true });
    assertClean(page);
  });
}

test('a pair is said not to be the same, and taken back', async () => {
  const page = await newPage(browser);
  await page.goto(await ticketUrl('agent', '#/duplicates'));
  await pair(page).getByRole('button', { name: /are not the same/ }).click();
  await pair(page).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Undo' }).click();
  await pair(page).waitFor();
  assertClean(page);
});

test('two are merged value by value, and it is undone', async () => {
  const page = await newPage(browser);
  await page.goto(await ticketUrl('agent', `#/duplicates/${encodeURIComponent(kept.accountId)}/${encodeURIComponent(merged.accountId)}`));
  const merge = page.getByRole('button', { name: 'Merge', exact: true });
  await page.getByText(/left to choose/).waitFor();
  assert.ok(await merge.isDisabled());
  await page.getByText('Only with the other one.').waitFor();
  // Other tests may have left fields in which these two differ as well.
  const asked = page.locator('.merge-options');
  for (let at = 0; at < (await asked.count()); at += 1) await asked.nth(at).locator('.merge-option').first().click();
  await page.locator('.merge-option', { hasText: 'Premium' }).click();
  await merge.click();
  await page.locator('.merge-notice', { hasText: 'was merged into this customer' }).waitFor();
  const row = (key) => page.locator(`[data-field="${made.fields[key].id}"]`);
  await row('plan').getByText('Premium').waitFor();
  await row('note').getByText('Only with the other one.').waitFor();
  await assertAccessible(page, 'a customer with a merged one');
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/dup-kept.png` });

  await page.goto(await ticketUrl('agent', `#/customers/${encodeURIComponent(merged.accountId)}`));
  await page.getByText('What is written now belongs there.').waitFor();
  assert.equal(await row('plan').locator('[data-edit]').count(), 0);
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/dup-merged.png` });
  const read = async () => (await agent('GET', '/customers?limit=100')).body.items.some((one) => one.accountId === merged.accountId);
  assert.equal(await read(), false);
  const undone = page.waitForResponse((answer) => answer.url().endsWith('/undo') && answer.ok());
  await page.getByRole('button', { name: 'Undo merge' }).click();
  await undone;
  await page.locator('.merge-notice').waitFor({ state: 'detached' });
  assert.equal(await read(), true);
  const values = (await agent('GET', `/customers/${kept.accountId}/values`)).body.values;
  assert.equal(values.find((one) => one.fieldId === made.fields.plan.id).value, 'Basic');
  assertClean(page);
});
