// A Jira Data Center, joined at the command line and used in a browser: somebody signs in at it, sees a request's panel on our own
// pages, and writes a value. It starts its own Jira and its own server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { api, joinDataCenter, requestOf, signsIn } from './joined.mjs';
import { assertAccessible, assertClean, assertFits, launch, newPage } from './demo.mjs';

let browser;
let site;
before(async () => {
  site = await joinDataCenter();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await site?.end();
});

for (const [width, colorScheme] of [[1280, 'light'], [360, 'dark']]) {
  test(`somebody signs in at Data Center and keeps a value, ${width}px, ${colorScheme}`, async () => {
    const { jira, steward } = site;
    const admin = await newPage(browser);
    await signsIn(site, admin, 'admin');
    const made = await api(admin, 'POST', '/fields', { entity: 'customer', type: 'text', name: `Contract ${width}`, audience: 'agents' });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const page = await newPage(browser, { width, height: 900, colorScheme });
    await signsIn(site, page, 'agent');
    await page.goto(`${steward}/app/#/issues/${await requestOf(site)}`);
    await page.locator('.person-name').waitFor();
    assert.ok((await page.locator('.person-name').first().innerText()).includes(jira.users.customer.displayName));
    const row = page.locator(`[data-field="${made.body.id}"]`);
    await row.locator('[data-edit]').click();
    await page.keyboard.type(`K-${width}`);
    await page.keyboard.press('Enter');
    await row.locator('.field-saved').waitFor();
    await assertAccessible(page, 'the panel beside Data Center');
    await assertFits(page, 'the panel beside Data Center');
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/data-center-${width}.png` });
    await page.goto(`${steward}/app/#/customers`);
    await page.getByText(jira.users.customer.displayName).first().waitFor();
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/data-center-list-${width}.png` });
    assertClean(page);
  });
}
