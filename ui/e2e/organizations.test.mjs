// Organizations' own values: edited beside a request, in a cell and on the organization's page, and brought back from its history.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { apiAs, assertAccessible, assertClean, demo, jira, launch, newPage, panelFrame, signIn, ticketUrl, unique } from './demo.mjs';

const NAME = unique('Dock');
let browser;
let admin;
let agent;
let field;
/** An organization of somebody who asked for something, and the key of what they asked. */
let organization;
let issue;
let page;

const row = (on) => on.locator(`[data-field="${field.id}"]`);
const held = async () => (await agent('GET', `/organizations/${organization.id}/values`)).body.values.find((v) => v.fieldId === field.id)?.value ?? null;
const shows = (on, text) => row(on).locator('.field-content', { hasText: new RegExp(`^${text}$`) }).waitFor();

before(async () => {
  browser = await launch();
  [admin, agent] = [await apiAs('admin'), await apiAs('agent')];
  const made = await admin('POST', '/fields', { entity: 'organization', type: 'text', name: NAME, audience: 'agents' });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  field = made.body;
  const { email, apiToken } = demo.users.agent;
  const jql = encodeURIComponent('reporter IS NOT EMPTY ORDER BY created DESC');
  const asked = await fetch(`${jira}/rest/api/3/search/jql?fields=reporter&maxResults=50&jql=${jql}`, { headers: { authorization: `Basic ${Buffer.from(`${email}:${apiToken}`).toString('base64')}` } });
  for (const { key } of (await asked.json()).issues) {
    const panel = (await agent('GET', `/panel?issue=${key}`)).body;
    if (panel.selected?.organizations?.length !== 1 || !panel.fields.some((f) => f.id === field.id)) continue;
    [organization, issue] = [panel.selected.organizations[0], key];
    break;
  }
  assert.ok(organization, 'a request of somebody who belongs to one organization');
  page = await newPage(browser, { width: 1400, height: 1000 });
});
after(async () => {
  const { body, etag } = await admin('GET', `/fields/${field.id}`);
  if (!body.retired) await admin('DELETE', `/fields/${field.id}`, undefined, { 'if-match': etag });
  assertClean(page);
  await browser?.close();
});

test('beside a request, in the block of the organization', async () => {
  await signIn(page, 'agent', `/browse/${issue}`);
  const frame = await panelFrame(page);
  const block = frame.getByRole('region', { name: `Organization: ${organization.name}` });
  await block.waitFor();
  const unfold = block.getByRole('button', { name: /^Show \d+ empty/ });
  if ((await row(block).count()) === 0) await unfold.first().click();
  await row(block).hover();
  await row(block).locator('[data-edit]').click();
  await row(block).getByRole('textbox', { name: NAME }).fill('Gate 1');
  await assertAccessible(frame, 'an organization’s field being edited');
  await page.keyboard.press('Enter');
  await row(block).locator('.field-saved').waitFor();
  await shows(block, 'Gate 1');
  assert.equal(await held(), 'Gate 1');
  await page.reload();
  await shows((await panelFrame(page)).getByRole('region', { name: `Organization: ${organization.name}` }), 'Gate 1');
});

test('in a cell of the table of organizations, undone by keyboard and written again', async () => {
  await page.goto(await ticketUrl('agent', `#/organizations?view=all&query=${encodeURIComponent(`name = "${organization.name}"`)}`));
  await page.locator('.table-row').first().waitFor();
  assert.equal(await page.locator('.table-row').count(), 1);
  await page.getByRole('button', { name: 'Columns' }).click();
  await page.locator('.column-item', { hasText: NAME }).locator('.checkbox').click();
  await page.keyboard.press('Escape');
  const cell = page.locator(`td[data-column="${field.id}"]`);
  await cell.getByText('Gate 1').waitFor();
  await cell.focus();
  await page.keyboard.press('F2');
  await page.getByRole('textbox', { name: NAME }).fill('Gate 2');
  await page.keyboard.press('Enter');
  await page.locator('.cell-editor').waitFor({ state: 'detached' });
  await cell.getByText('Gate 2').waitFor();
  assert.equal(await held(), 'Gate 2');
  await cell.focus();
  await page.keyboard.press('Control+z');
  await cell.getByText('Gate 1').waitFor();
  assert.equal(await held(), 'Gate 1');
  await page.keyboard.press('Control+Shift+z');
  await cell.getByText('Gate 2').waitFor();
  await assertAccessible(page, 'the table of organizations');
});

test('on its page', async () => {
  await page.locator('.table-row a.cell-name').click();
  await page.locator('.person-name', { hasText: organization.name }).waitFor();
  await shows(page, 'Gate 2');
  await row(page).locator('[data-edit]').click();
  await page.keyboard.press('Control+A');
  await page.keyboard.type('Gate 3');
  await page.keyboard.press('Enter');
  await row(page).locator('.field-saved').waitFor();
  await shows(page, 'Gate 3');
  await row(page).getByRole('button', { name: 'Undo' }).click();
  await shows(page, 'Gate 2');
  await row(page).locator('[data-edit]').click();
  await page.keyboard.press('Control+A');
  await page.keyboard.type('Gate 4');
  await page.keyboard.press('Enter');
  await shows(page, 'Gate 4');
  await row(page).locator('.field-saved').waitFor();
  assert.equal(await held(), 'Gate 4');
  await assertAccessible(page, 'an organization');
});

test('its history says who wrote what, and leads back', async () => {
  const { displayName } = demo.users.agent;
  await page.getByRole('tab', { name: 'History' }).click();
  const newest = page.locator('.history-entry').first();
  await newest.getByText(`${displayName} set ${NAME}`).waitFor();
  assert.match(await newest.innerText(), /Gate 2[\s\S]*Gate 4/);
  await assertAccessible(page, 'the history of an organization');
  await page.locator('.history-entry', { hasText: /After\s*Gate 1/ }).first().getByRole('button', { name: /^Restore/ }).click();
  await newest.getByText(`${displayName} restored ${NAME}`).waitFor();
  await page.getByRole('tab', { name: 'Details' }).click();
  await shows(page, 'Gate 1');
  assert.equal(await held(), 'Gate 1');
});

test('beside the request it stands as it was brought back; its menu has the history there too', async () => {
  await signIn(page, 'agent', `/browse/${issue}`);
  const frame = await panelFrame(page);
  const block = frame.getByRole('region', { name: `Organization: ${organization.name}` });
  await shows(block, 'Gate 1');
  await row(block).hover();
  await row(block).getByRole('button', { name: `Actions for ${NAME}` }).click();
  await frame.getByRole('menuitem', { name: 'History' }).click();
  await frame.locator('.history-entry').first().getByText('restored').waitFor();
  await assertAccessible(frame, 'an organization’s history beside a request');
  await frame.locator('.history-entry', { hasText: /After\s*Gate 4/ }).first().getByRole('button', { name: /^Restore/ }).click();
  await frame.locator('.history-entry').nth(1).getByText('restored').waitFor();
  await page.keyboard.press('Escape');
  await shows(block, 'Gate 4');
  assert.equal(await held(), 'Gate 4');
});
