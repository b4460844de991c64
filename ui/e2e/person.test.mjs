// What is held about a person: they are told what, why, until when and who looked; an administrator is told by name.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { apiAs, assertAccessible, assertClean, assertFits, demo, launch, makeFields, newPage, ticketUrl, unique } from './demo.mjs';

let browser;
let made;
const account = demo.users.customer.accountId;
before(async () => {
  browser = await launch();
  made = await makeFields(await apiAs('admin'), unique('Held'), {
    secret: { type: 'text' }, seen: { type: 'text', audience: 'customerView' }, own: { type: 'text', audience: 'customerEdit' },
  });
  const agent = await apiAs('agent');
  for (const [key, value] of [['secret', 'not theirs to read'], ['seen', 'seen by both']]) {
    const { status } = await agent('PUT', `/customers/${account}/values/${made.fields[key].id}`, { value }, { 'if-match': '"v0"' });
    assert.equal(status, 200);
  }
});
after(async () => {
  await made?.remove();
  await browser?.close();
});

for (const [width, colorScheme] of [[390, 'dark'], [1280, 'light']]) {
  test(`what is held about you, at ${width}px, ${colorScheme}`, async () => {
    const page = await newPage(browser, { width, height: 900, colorScheme });
    await page.goto(await ticketUrl('customer', '#/profile'));
    await page.getByRole('tab', { name: 'What is held about you' }).click();
    const card = (name) => page.locator('.held-part', { has: page.getByRole('heading', { name }) });
    await card('Details that you can see').getByText('seen by both').waitFor();
    await card('Details that you can see').getByText('only the support team sees').waitFor();
    await page.locator('.reading[data-way="page"][data-by="supportTeam"]').waitFor();
    const text = await page.locator('.held').innerText();
    assert.ok(!text.includes('not theirs to read') && !text.includes(made.fields.secret.name), 'what the team keeps to itself is not told');
    assert.ok(!text.includes(demo.users.agent.displayName), 'nor is who of the team looked');
    assert.match(await page.locator('[data-class="reading"]').innerText(), /Gone within 365 days/);
    await page.getByText('What may stand in passing').click();
    await page.locator('[data-class="search-index"]').waitFor();
    await assertFits(page, 'what is held');
    await assertAccessible(page, 'what is held');
    assertClean(page);
  });
}

test('a copy is taken along', async () => {
  const page = await newPage(browser);
  await page.goto(await ticketUrl('customer', '#/profile/held'));
  const arrives = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download a copy' }).click();
  const file = await arrives;
  assert.match(file.suggestedFilename(), /^held-about-you-\d{4}-\d{2}-\d{2}\.json$/);
  const copy = JSON.parse(await readFile(await file.path(), 'utf8'));
  assert.equal(copy.accountId, account);
  assert.ok(copy.values.some((value) => value.text === 'seen by both'));
  assert.ok(!JSON.stringify(copy).includes('not theirs to read'));
  await page.getByText(`${file.suggestedFilename()} saved`).waitFor();
  assertClean(page);
});

test('an administrator is told who, an agent is not asked', async () => {
  const page = await newPage(browser);
  await page.goto(await ticketUrl('admin', `#/customers/${account}`));
  await page.getByRole('tab', { name: 'Read by' }).click();
  await page.locator('.reading', { hasText: demo.users.agent.displayName }).first().waitFor();
  await assertFits(page, 'who read it');
  await assertAccessible(page, 'who read it');
  assertClean(page);
  const other = await newPage(browser);
  await other.goto(await ticketUrl('agent', `#/customers/${account}`));
  await other.getByRole('tab', { name: 'History' }).waitFor();
  assert.equal(await other.getByRole('tab', { name: 'Read by' }).count(), 0);
});

test('what cannot be read says so, and can be tried again', async () => {
  const page = await newPage(browser);
  await page.goto(await ticketUrl('customer', '#/profile'));
  await page.getByRole('tab', { name: 'Your details' }).waitFor();
  let fails = true;
  await page.route('**/held', (route) => (fails ? route.fulfill({ status: 404, contentType: 'application/problem+json', body: '{"status":404,"code":"not_found","title":"Not Found","detail":"Gone."}' }) : route.continue()));
  await page.getByRole('tab', { name: 'What is held about you' }).click();
  await page.locator('.problem').waitFor();
  fails = false;
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('seen by both').first().waitFor();
});
