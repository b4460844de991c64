// What people do all day on a site that was joined by a token, on our own pages: signing in, fields, the table, values and their
// history, many rows together, new customers and members, a file in, a file out, a request by its key, signing out.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { api, requestOf, signsIn } from './joined.mjs';
import { assertAccessible, assertClean, assertFits, launch, newPage } from './demo.mjs';

const TIER = 'Support tier';
const CONTRACT = 'Contract number';
const MANAGER = 'Account manager';

/**
 * Makes a test of each of these, on the site that `join` joins. `colorScheme` is how the agent likes their pages, `idsLike` how
 * Steward names people there.
 */
export function walksThroughTheDay(join, { colorScheme, idsLike }) {
  let browser;
  let site;
  let admin;
  let agent;
  /** The fields, by their names. */
  const fields = {};
  const customer = () => site.jira.users.customer;
  const agentsName = () => site.jira.users.agent.displayName;

  before(async () => {
    site = await join();
    browser = await launch();
    admin = await newPage(browser);
    agent = await newPage(browser, { colorScheme });
  });
  after(async () => {
    await browser?.close();
    await site?.end();
  });

  const visit = (page, hash) => page.goto(`${site.steward}/app/${hash}`);
  const foot = (page, name) => page.locator('.window-foot').getByRole('button', { name });
  const cell = (row, column) => agent.locator(`[data-cell="${row}:${column}"]`);
  const counted = (text) => agent.locator('.list-count', { hasText: text }).waitFor();
  /** Where this column stands in the table. */
  const place = (key) => agent.locator('th[data-column]').evaluateAll((heads, wanted) => heads.findIndex((head) => head.dataset.column === wanted), key);

  async function ask(query) {
    await agent.getByRole('textbox', { name: 'Query' }).fill(query);
    await agent.keyboard.press('Escape');
    await agent.keyboard.press('Enter');
    await agent.waitForURL((url) => new URLSearchParams(url.hash.split('?')[1]).get('query') === query);
  }

  /** The value that one of our fields has for a customer, as the API tells it. */
  async function held(id, name) {
    const { body } = await api(agent, 'GET', `/customers/${encodeURIComponent(id)}/values`);
    return body.values.find((v) => v.fieldId === fields[name].id)?.value ?? null;
  }

  const option = (label) => fields[TIER].options.find((o) => o.label === label).id;

  test('who is not signed in is led to Jira, asked there, and comes back to the page that they wanted', async () => {
    await visit(agent, '#/customers?view=all');
    await agent.getByText('You are not signed in here').waitFor();
    await assertAccessible(agent, 'nobody is signed in');
    await agent.getByRole('link', { name: 'Sign in' }).click();
    // This browser does not know the site yet.
    await agent.getByRole('heading', { name: 'Sign in to Steward' }).waitFor();
    await assertAccessible(agent, 'where to sign in');
    await signsIn(site, agent, 'agent');
    await agent.waitForURL(/#\/customers\?view=all$/);
    await agent.locator('.table-row').first().waitFor();
    const { body: me } = await api(agent, 'GET', '/me');
    assert.deepEqual([me.role, me.displayName], ['agent', agentsName()]);
    assert.match(me.accountId, idsLike);
    await signsIn(site, admin, 'admin');
  });

  test('an administrator adds fields in the settings, and an agent has no way there', async () => {
    await visit(admin, '#/settings/customer');
    await admin.locator('.editor-actions').getByRole('button', { name: 'Add field' }).click();
    await admin.getByRole('textbox', { name: /^Name/ }).fill(TIER);
    await admin.locator('.form').getByRole('button', { name: /Type/ }).click();
    await admin.getByRole('option', { name: 'Choice', exact: true }).click();
    for (const label of ['Gold', 'Silver']) {
      await admin.getByRole('button', { name: 'Add option' }).click();
      await admin.locator('.option input').last().fill(label);
    }
    await assertAccessible(admin, 'a new field');
    await foot(admin, 'Add').click();
    await admin.locator('.shelf-item', { hasText: TIER }).waitFor();
    for (const [name, type] of [[CONTRACT, 'text'], [MANAGER, 'user']]) {
      const made = await api(admin, 'POST', '/fields', { entity: 'customer', type, name, audience: 'agents' });
      assert.equal(made.status, 201, JSON.stringify(made.body));
    }
    const { body } = await api(admin, 'GET', '/fields?entity=customer');
    for (const field of body.items) fields[field.name] = field;
    await visit(agent, '#/settings/customer');
    await agent.getByText('You may not do this').waitFor();
    assert.equal(await agent.getByRole('link', { name: 'Settings' }).count(), 0);
  });

  test('a query finds a customer, whose cells are edited in place and taken back', async () => {
    await visit(agent, '#/customers?view=all');
    await agent.locator('.table-row').nth(5).waitFor();
    await agent.getByRole('button', { name: 'Columns' }).click();
    for (const name of [TIER, CONTRACT]) await agent.locator('.column-item', { hasText: name }).locator('.checkbox').click();
    await agent.keyboard.press('Escape');
    await ask(`name = "${customer().displayName}"`);
    await counted(/^1 customer\b/);
    assert.match(await agent.locator('.table-row').innerText(), new RegExp(customer().email));
    assert.equal(await agent.locator('.table-row').count(), 1);
    const contract = await place(fields[CONTRACT].id);
    await cell(0, contract).focus();
    await agent.keyboard.press('Enter');
    await agent.getByRole('textbox', { name: CONTRACT }).fill('K-17');
    await assertAccessible(agent, 'a cell being edited');
    await agent.keyboard.press('Enter');
    await agent.locator('.cell-editor').waitFor({ state: 'detached' });
    await cell(0, contract).getByText('K-17').waitFor();
    await agent.waitForFunction((at) => document.activeElement?.dataset?.cell === at, `0:${contract}`);
    await agent.keyboard.press('Control+z');
    await cell(0, contract).getByText('K-17').waitFor({ state: 'detached' });
    await agent.keyboard.press('Control+Shift+z');
    await cell(0, contract).getByText('K-17').waitFor();
    const tier = await place(fields[TIER].id);
    await cell(0, tier).focus();
    await agent.keyboard.press('Enter');
    await agent.getByRole('option', { name: 'Gold' }).click();
    await cell(0, tier).getByText('Gold').waitFor();
    // What was written is found by it.
    await ask(`"${TIER}" = Gold AND "${CONTRACT}" ~ "K-17"`);
    await counted(/^1 customer\b/);
    await agent.reload();
    await counted(/^1 customer\b/);
    await cell(0, tier).getByText('Gold').waitFor();
    await assertAccessible(agent, 'the table of customers');
  });

  test('the history of a value says who wrote what, and leads back', async () => {
    await cell(0, 0).locator('a').click();
    await agent.locator('.person-name', { hasText: customer().displayName }).waitFor();
    const row = agent.locator(`[data-field="${fields[CONTRACT].id}"]`);
    await row.locator('[data-edit]').click();
    await agent.keyboard.press('ControlOrMeta+A');
    await agent.keyboard.type('K-18');
    await agent.keyboard.press('Enter');
    await row.locator('.field-saved').waitFor();
    await assertAccessible(agent, 'a customer');
    await agent.getByRole('tab', { name: 'History' }).click();
    const newest = agent.locator('.history-entry').first();
    await newest.getByText(`${agentsName()} set ${CONTRACT}`).waitFor();
    assert.match(await newest.innerText(), /K-17[\s\S]*K-18/);
    await assertAccessible(agent, 'the history of a customer');
    await agent.locator('.history-entry', { hasText: /After\s*K-17/ }).first().getByRole('button', { name: /^Restore/ }).click();
    await newest.getByText(`${agentsName()} restored ${CONTRACT}`).waitFor();
    await agent.getByRole('tab', { name: 'Details' }).click();
    await row.locator('.field-content', { hasText: /^K-17$/ }).waitFor();
  });

  test('several customers are changed after a preview, and taken back as one', async () => {
    await visit(agent, '#/customers?view=all');
    const box = (at) => agent.locator(`tr[aria-rowindex="${at + 2}"]`).getByRole('checkbox');
    await box(2).waitFor();
    const ids = await Promise.all([0, 1, 2].map(async (at) => decodeURIComponent((await cell(at, 0).locator('a').getAttribute('href')).split('/').at(-1))));
    for (const id of ids) assert.match(id, idsLike);
    await box(0).click();
    await box(2).click({ modifiers: ['Shift'] });
    const bar = agent.getByRole('toolbar', { name: 'What to do with the chosen rows' });
    await bar.getByText('3 chosen', { exact: true }).waitFor();
    await bar.getByRole('button', { name: 'Set a field' }).click();
    await agent.getByRole('dialog').getByRole('button', { name: /Field/ }).click();
    await agent.getByRole('option', { name: TIER }).click();
    await agent.getByRole('button', { name: /New value/ }).click();
    await agent.getByRole('option', { name: 'Silver' }).click();
    await agent.getByRole('button', { name: 'Show what would change' }).click();
    await agent.getByRole('button', { name: 'Change 3 customers' }).waitFor();
    assert.equal(await held(ids[0], TIER), null, 'nothing changed yet');
    await assertAccessible(agent, 'the preview of a bulk change');
    await agent.getByRole('button', { name: 'Change 3 customers' }).click();
    await agent.getByText('3 changed').waitFor();
    for (const id of ids) assert.equal(await held(id, TIER), option('Silver'));
    await agent.getByRole('button', { name: 'Undo' }).click();
    await agent.getByRole('alertdialog').or(agent.getByRole('dialog')).getByRole('button', { name: 'Undo' }).click();
    await agent.getByText('3 went back').waitFor();
    for (const id of ids) assert.equal(await held(id, TIER), null);
  });

  const name = 'Ada Lovelace';
  const email = 'ada@analytical.example';

  test('an agent is told who makes customers; an administrator makes one, in an account of Jira', async () => {
    for (const page of [agent, admin]) {
      await visit(page, '#/customers?view=all');
      await page.getByRole('button', { name: 'Add customer' }).click();
      await page.getByRole('textbox', { name: /^Name/ }).fill(name);
      await page.getByRole('textbox', { name: /^E-mail/ }).fill(email);
      await foot(page, 'Add customer').click();
    }
    await agent.getByText('Jira lets only its administrators make customers. Ask one of them').waitFor();
    await assertAccessible(agent, 'whom to ask for a customer');
    await foot(agent, 'Cancel').click();
    await admin.getByText(`“${name}” added`).waitFor();
    await admin.getByRole('button', { name: 'Open', exact: true }).click();
    await admin.locator('.person-name', { hasText: name }).waitFor();
    await assertAccessible(admin, 'a new customer');
  });

  test('an agent makes an organization, and lets somebody in and out', async () => {
    await visit(agent, '#/organizations');
    await agent.locator('.table-row').first().waitFor();
    await assertAccessible(agent, 'the organizations');
    await agent.getByRole('button', { name: 'Add organization' }).click();
    await agent.getByRole('textbox', { name: /^Name/ }).fill('Analytical Engines');
    await foot(agent, 'Add organization').click();
    await agent.getByText('“Analytical Engines” added').waitFor();
    await agent.getByRole('button', { name: 'Open', exact: true }).click();
    await agent.getByText('Nobody belongs to it yet.').waitFor();
    await agent.getByRole('combobox', { name: /Add a member/ }).fill(name);
    await agent.getByRole('option', { name }).click();
    const member = agent.locator('.member', { hasText: name });
    await member.waitFor();
    await assertAccessible(agent, 'an organization with a member');
    await member.getByRole('button', { name: `Remove ${name}` }).click();
    await member.waitFor({ state: 'detached' });
    await agent.getByRole('alertdialog').filter({ hasText: 'removed from' }).getByRole('button', { name: 'Undo' }).click();
    await member.waitFor();
    const { body } = await api(agent, 'GET', `/customers?search=${encodeURIComponent(email)}`);
    assert.deepEqual(body.items.map((one) => one.organizations.map((o) => o.name)), [['Analytical Engines']]);
  });

  test('an administrator imports a file after a dry run, and takes it back', async () => {
    await visit(admin, '#/settings/imports');
    await admin.locator('.drop').waitFor();
    const rows = [`E-mail,${TIER},${CONTRACT}`, `${email},Gold,K-1`, `${customer().email},Silver,K-17`, 'nobody@nowhere.example,Gold,K-3'];
    await admin.locator('input[type=file]').setInputFiles({ name: 'contracts.csv', mimeType: 'text/csv', buffer: Buffer.from(`${rows.join('\n')}\n`) });
    await admin.getByRole('heading', { name: 'contracts.csv' }).waitFor();
    await admin.locator('.import-columns tbody tr').nth(2).waitFor();
    await assertAccessible(admin, 'columns of an import');
    await admin.getByRole('button', { name: 'Start dry run' }).click();
    await admin.getByRole('button', { name: 'Import 2 rows' }).waitFor();
    assert.match(await admin.locator('.import-row').first().innerText(), /Line 2[\s\S]*Gold/);
    await admin.getByRole('radio', { name: /Refused/ }).click();
    await admin.locator('.import-row', { hasText: 'Line 4' }).waitFor();
    await assertAccessible(admin, 'report of an import');
    const found = async (address) => (await api(admin, 'GET', `/customers?query=${encodeURIComponent(`email = "${address}"`)}`)).body.items[0].accountId;
    const [ada, other] = [await found(email), await found(customer().email)];
    assert.equal(await held(ada, TIER), null, 'nothing is written yet');
    await admin.getByRole('button', { name: 'Import 2 rows' }).click();
    await admin.getByText('3 values written').first().waitFor();
    assert.deepEqual([await held(ada, TIER), await held(ada, CONTRACT), await held(other, TIER)], [option('Gold'), 'K-1', option('Silver')]);
    await admin.getByRole('button', { name: 'Undo import' }).click();
    await foot(admin, 'Undo import').click();
    await admin.getByText('3 values went back').first().waitFor();
    assert.deepEqual([await held(ada, TIER), await held(ada, CONTRACT), await held(other, TIER)], [null, null, option('Gold')]);
    await assertAccessible(admin, 'an import that was undone');
  });

  test('what the table shows leaves as a file', async () => {
    await visit(agent, '#/customers?view=all');
    await agent.locator('.table-row').first().waitFor();
    await ask(`"${TIER}" = Gold`);
    await counted(/^1 customer\b/);
    await agent.getByRole('button', { name: 'Export' }).click();
    await assertAccessible(agent, 'the export menu');
    const [download] = await Promise.all([agent.waitForEvent('download'), agent.getByRole('menuitem', { name: 'CSV' }).click()]);
    assert.match(download.suggestedFilename(), /^customers-\d{4}-\d\d-\d\d\.csv$/);
    const lines = (await readFile(await download.path(), 'utf8')).replace(/^\uFEFF/, '').trim().split('\r\n');
    assert.equal(lines.length, 2);
    assert.equal(lines[0], `Account ID,Name,E-mail,Organizations,Time zone,${TIER},${CONTRACT}`);
    const [id, shown, address, ...rest] = lines[1].split(',');
    assert.match(id, idsLike);
    assert.deepEqual([shown, address, ...rest.slice(-2)], [customer().displayName, customer().email, 'Gold', 'K-17']);
  });

  test('the key of a request, typed into the quick search, leads to who asks there; a person is chosen by name', async () => {
    const key = await requestOf(site);
    await agent.keyboard.press('Control+k');
    await agent.keyboard.type(key.toLowerCase());
    await agent.getByRole('option', { name: key }).waitFor();
    await assertAccessible(agent, 'a request in quick search');
    await agent.keyboard.press('ArrowDown');
    await agent.keyboard.press('Enter');
    await agent.waitForURL(new RegExp(`#/issues/${key}$`));
    await agent.locator('.person-name', { hasText: customer().displayName }).waitFor();
    await agent.locator(`[data-field="${fields[TIER].id}"]`, { hasText: 'Gold' }).waitFor();
    const unfold = agent.getByRole('button', { name: /^Show \d+ empty/ });
    if (await unfold.count() > 0) await unfold.first().click();
    const row = agent.locator(`[data-field="${fields[MANAGER].id}"]`);
    await row.hover();
    await row.locator('[data-edit]').click();
    await agent.keyboard.type(agentsName());
    await agent.getByRole('option', { name: agentsName() }).first().click();
    await row.locator('.field-content', { hasText: agentsName() }).waitFor();
    await row.locator('.field-saved').waitFor();
    await assertAccessible(agent, 'the panel of a request');
    await agent.setViewportSize({ width: 360, height: 800 });
    await assertFits(agent, 'the panel of a request');
    await agent.setViewportSize({ width: 1280, height: 900 });
    await agent.reload();
    await row.locator('.field-content', { hasText: agentsName() }).waitFor();
    const whose = async (page) => (await api(page, 'GET', `/customers?query=${encodeURIComponent(`"${MANAGER}" = currentUser()`)}`)).body.items.map((one) => one.displayName);
    assert.deepEqual([await whose(agent), await whose(admin)], [[customer().displayName], []]);
  });

  test('who signs out reads nothing any more, and this browser knows where to sign in', async () => {
    await agent.getByRole('button', { name: 'Sign out' }).click();
    await agent.getByText('You are not signed in here').waitFor();
    await visit(agent, '#/customers?view=all');
    await agent.getByRole('link', { name: 'Sign in' }).click();
    await agent.waitForURL((url) => url.href.startsWith(site.jira.jira));
    await agent.locator('a[href*="/accept?"]:not([href*="deny"])').first().click();
    await agent.locator('.table-row').first().waitFor();
    assertClean(agent);
    assertClean(admin);
  });
}
