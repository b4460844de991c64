// What a customer sees of themselves and of their organizations: what is shared with them, and nothing else.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { apiAs, assertAccessible, assertClean, assertFits, launch, makeFields, newPage, ticketUrl, unique } from './demo.mjs';

let browser;
let made;
let organization;
before(async () => {
  browser = await launch();
  const [admin, agent, customer] = [await apiAs('admin'), await apiAs('agent'), await apiAs('customer')];
  const ofOrganizations = { type: 'text', entity: 'organization', sectionId: null };
  made = await makeFields(admin, unique('Profile'), {
    secret: { type: 'text' }, seen: { type: 'text', audience: 'customerView' }, own: { type: 'text', audience: 'customerEdit' },
    shared: { ...ofOrganizations, audience: 'customerView' }, kept: ofOrganizations, manager: { ...ofOrganizations, type: 'user', audience: 'customerView' },
  });
  const me = (await customer('GET', '/me')).body.accountId;
  organization = (await agent('GET', `/customers/${me}`)).body.organizations[0];
  const values = { shared: 'Gold until June', kept: 'Pays late', manager: (await agent('GET', '/me')).body.accountId };
  for (const [key, value] of Object.entries(values)) {
    const written = await agent('PUT', `/organizations/${organization.id}/values/${made.fields[key].id}`, { value }, { 'if-match': '"v0"' });
    assert.equal(written.status, 200, JSON.stringify(written.body));
  }
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
    const block = page.locator(`[data-organization="${organization.id}"]`);
    await block.getByRole('heading', { name: organization.name }).waitFor();
    await block.locator(`[data-field="${made.fields.shared.id}"]`).getByText('Gold until June').waitFor();
    assert.equal(await row('kept').count(), 0);
    assert.equal(await page.getByText('Pays late').count(), 0);
    assert.equal(await block.locator('button, input').count(), 0, 'what is shared of an organization is read');
    // Whom a value names is told by name, though customers cannot look people up.
    assert.ok(!(await row('manager').innerText()).includes('Unknown'));
    await page.locator('.own-organizations').scrollIntoViewIfNeeded();
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/profile-organizations-${width}-${colorScheme}.png`, fullPage: true });
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

test('nothing of organizations is said where they cannot be read, and it is tried again', async () => {
  const page = await newPage(browser, { width: 360, height: 800 });
  await page.route('**/api/v1/me/organizations**', (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', body: JSON.stringify({ title: 'Internal Server Error', status: 500, code: 'broken', detail: 'Something broke on our side.', requestId: 'r-1' }) }));
  await page.goto(await ticketUrl('customer', '#/profile'));
  await page.locator(`[data-field="${made.fields.own.id}"]`).waitFor();
  await page.locator('.problem').waitFor();
  await assertAccessible(page, 'a profile whose organizations cannot be read');
  await page.unroute('**/api/v1/me/organizations**');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('[data-organization]').first().waitFor();
  // Whoever belongs to none.
  await page.route('**/api/v1/me/organizations**', (route) => route.fulfill({ json: { items: [], nextCursor: null, fields: [], sections: [] } }));
  await page.reload();
  await page.locator(`[data-field="${made.fields.own.id}"]`).waitFor();
  assert.equal(await page.locator('.own-organizations').count(), 0);
  assertClean(page);
});

test('a field of organizations can be shown to their members, and not given to them to change', async () => {
  const page = await newPage(browser);
  await page.goto(await ticketUrl('admin', '#/settings/organization'));
  await page.locator('.editor-actions').getByRole('button', { name: 'Add field' }).click();
  await page.getByText('Members of the organization see it on the portal.', { exact: false }).waitFor();
  assert.equal(await page.locator('.window .radio').count(), 2);
  assert.equal(await page.getByText('Customers may change it').count(), 0);
  await assertAccessible(page, 'the window of a field of organizations');
  await page.locator('.window-foot').getByRole('button', { name: 'Cancel' }).click();
  await page.locator('.shelf-item', { hasText: made.fields.shared.name }).getByText('Members see it').waitFor();
  const refused = await (await apiAs('admin'))('POST', '/fields', { entity: 'organization', type: 'text', name: unique('No'), audience: 'customerEdit' });
  assert.deepEqual([refused.status, refused.body.errors[0].pointer], [422, '/audience']);
  assertClean(page);
});
