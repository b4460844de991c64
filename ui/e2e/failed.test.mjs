// A page that cannot be drawn: the rest of the window stays, and the reader is told what to do.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAccessible, launch, newPage, ticketUrl } from './demo.mjs';

let browser;
before(async () => {
  browser = await launch();
});
after(async () => {
  await browser?.close();
});

test('a part of the program that is not there any more leads to the newer version', async () => {
  const page = await newPage(browser);
  await page.route(/\/assets\/OrganizationsPage-[^/]*\.js$/, (route) => route.fulfill({ status: 404, body: '' }));
  await page.goto(await ticketUrl('agent', '#/customers?view=all'));
  await page.locator('.table-row').first().waitFor();
  await page.getByRole('link', { name: 'Organizations' }).click();
  const told = page.getByRole('alert').filter({ hasText: 'There is a newer version' });
  await told.waitFor();
  await assertAccessible(page, 'a page that failed');
  assert.ok(await page.getByRole('link', { name: 'Customers' }).isVisible());
  await page.unroute(/\/assets\/OrganizationsPage-[^/]*\.js$/);
  await told.getByRole('button', { name: 'Load again' }).click();
  await page.locator('.table-row, .empty').first().waitFor();
  await told.waitFor({ state: 'detached' });
});
