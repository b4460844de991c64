// What stands in Jira itself beside the panel: a project's own customers, and the modules of the customers' portal.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { apiAs, assertAccessible, assertClean, assertFits, launch, makeFields, newPage, signIn, ticketUrl, unique } from './demo.mjs';

let browser;
let admin;
before(async () => {
  browser = await launch();
  admin = await apiAs('admin');
});
after(() => browser?.close());

/** Our frame of this module, once it is there. */
async function frameOf(page, module) {
  const handle = await page.locator(`[data-module="${module}"] iframe`).first().elementHandle();
  return handle.contentFrame();
}

test('a service project has a page of its own customers', async () => {
  const page = await newPage(browser);
  await signIn(page, 'agent', '/jira/projects');
  await page.locator('a[href^="/jira/servicedesk/projects/"]').first().click();
  const key = /projects\/([A-Z]+)/.exec(page.url())[1];
  await page.getByRole('navigation', { name: 'Apps' }).getByRole('link', { name: 'Customers' }).click();
  const frame = await frameOf(page, 'project-customers');
  await frame.locator('.table-row').first().waitFor();
  assert.equal(await frame.locator('.query-input').inputValue(), `project = ${key}`);
  const { body: projects } = await admin('GET', '/projects');
  const project = projects.items.find((p) => p.key === key);
  await frame.getByRole('button', { name: new RegExp(project.name) }).waitFor();
  const ofProject = await frame.locator('.list-count').innerText();
  await frame.getByRole('button', { name: new RegExp(project.name) }).click();
  await frame.getByRole('option', { name: 'All projects' }).click();
  await frame.locator('.list-count', { hasNotText: ofProject.trim() }).waitFor();
  assert.equal(await frame.locator('.query-input').inputValue(), '');
  assertClean(page);
});

test('a list is narrowed to a project, beside other conditions', async () => {
  const page = await newPage(browser);
  await page.goto(await ticketUrl('agent', `#/customers?query=${encodeURIComponent('active = true OR active = false')}`));
  await page.locator('.table-row').first().waitFor();
  const { body: projects } = await admin('GET', '/projects');
  const [project] = projects.items;
  await page.getByRole('button', { name: /All projects/ }).click();
  await page.getByRole('option', { name: project.name }).click();
  await page.waitForFunction((key) => document.querySelector('.query-input').value === `project = ${key} AND (active = true OR active = false)`, project.key);
  await page.locator('.table-row').first().waitFor();
  await page.getByRole('button', { name: new RegExp(project.name) }).waitFor();
  await assertAccessible(page, 'customers of a project');
  assertClean(page);
});

for (const [width, colorScheme] of [[390, 'light'], [1280, 'dark']]) {
  test(`the portal's modules at ${width}px, ${colorScheme}`, async (context) => {
    const made = await makeFields(admin, unique('Needed'), {
      floor: { type: 'text', audience: 'customerEdit', required: true },
      agreed: { type: 'text', entity: 'organization', sectionId: null, audience: 'customerView' },
    });
    context.after(() => made.remove());
    const [agent, customer] = [await apiAs('agent'), await apiAs('customer')];
    const [organization] = (await agent('GET', `/customers/${(await customer('GET', '/me')).body.accountId}`)).body.organizations;
    const written = await agent('PUT', `/organizations/${organization.id}/values/${made.fields.agreed.id}`, { value: 'of the whole company' }, { 'if-match': '"v0"' });
    assert.equal(written.status, 200, JSON.stringify(written.body));
    const page = await newPage(browser, { width, height: 900, colorScheme });
    // On top: what is missing, and the way to where it is filled.
    await signIn(page, 'customer', '/servicedesk/customer/portals');
    const header = await frameOf(page, 'portal-header');
    await header.getByText(made.fields.floor.name).waitFor();
    await assertAccessible(header, "the portal's header");
    await assertFits(page, 'the portal');
    await header.getByRole('button', { name: 'Fill in' }).click();
    await page.waitForURL(/user\/profile/);
    const profile = await frameOf(page, 'portal-profile');
    await profile.locator(`[data-field="${made.fields.floor.id}"]`).waitFor();

    // Below a request: the viewer's own details, to be filled there.
    await page.goto(page.url().replace(/user\/profile.*/, 'user/requests'));
    await page.locator('main a[href*="/servicedesk/customer/portal/"]').first().click();
    const details = await frameOf(page, 'portal-request');
    const field = details.locator(`[data-field="${made.fields.floor.id}"]`);
    await field.waitFor();
    await details.locator(`[data-organization="${organization.id}"]`).getByText('of the whole company').waitFor();
    await assertAccessible(details, 'details below a request');
    assert.ok(await details.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), 'nothing is cut off by its frame');
    await assertFits(page, 'a request');
    await field.locator('[data-edit]').click();
    await page.keyboard.type('third');
    await page.keyboard.press('Enter');
    await field.locator('.field-saved').waitFor();

    // Nothing is missing any more: the header takes no room.
    await page.goto(page.url());
    const quiet = page.locator('[data-module="portal-header"][data-state="ready"] iframe');
    await quiet.waitFor({ state: 'attached' });
    await page.waitForFunction(() => document.querySelector('[data-module="portal-header"] iframe').clientHeight === 0);

    // In the user's menu: the profile in a dialog, which closes.
    await page.locator('.top .menu > summary').click();
    await page.getByRole('button', { name: 'My details' }).click();
    const dialog = page.getByRole('dialog', { name: 'My details' });
    const inside = await (await dialog.locator('iframe').elementHandle()).contentFrame();
    await inside.getByRole('heading', { name: 'Your profile' }).waitFor();
    await assertAccessible(inside, 'the profile in a dialog');
    await inside.getByRole('button', { name: 'Close' }).click();
    await dialog.waitFor({ state: 'detached' });
    assertClean(page);
  });
}
