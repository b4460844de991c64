// What a customer sees of themselves: what is shared with them, and nothing else.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { apiAs, assertAccessible, assertClean, assertFits, launch, makeFields, newPage, ticketUrl, unique } from './demo.mjs';

let browser;
let made;
before(async () => {
  browser = await launch();
  made = await makeFields(await apiAs('admin'), unique('Profile'), {
    secret: { type: 'text' }, seen: { type: 'text', audience: 'customerView' }, own: { type: 'text', audience: 'customerEdit' },
  });
});
after(async () => {
  await made?.remove();
  await browser?.close();
});

for (const [width, colorScheme] of [[360, 'light'], [1280, 'dark']]) {
  test(`the profile at ${width}px, ${colorScheme}`, async () => {
    const page = await newPage(browser, { width, height: 800, colorScheme });
    await page.goto(await ticketUrl('customer', '#/profile'));
    const row = (key) => page.locator(`[data-field="${made.fields[key].id}"]`);
    await row('own').waitFor();
    assert.equal(await row('secret').count(), 0);
    assert.equal(await row('seen').locator('[data-edit]').count(), 0);
    await row('own').locator('[data-edit]').click();
    await page.keyboard.press('Control+A');
    await page.keyboard.type(`by myself ${width}`);
    await page.keyboard.press('Enter');
    await row('own').locator('.field-saved').waitFor();
    await page.reload();
    await row('own').getByText(`by myself ${width}`).waitFor();
    await assertFits(page, 'the profile');
    await assertAccessible(page, 'the profile');
    assertClean(page);
  });
}

test('no other page opens for a customer', async () => {
  const page = await newPage(browser);
  for (const hash of ['#/customers', '#/settings/customer', '#/organizations']) {
    await page.goto(await ticketUrl('customer', hash));
    await page.getByRole('heading', { name: 'Your profile' }).waitFor();
    assert.equal(await page.locator('.nav').count(), 0);
  }
});
