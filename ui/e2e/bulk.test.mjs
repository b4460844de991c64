// Rows are chosen in a table, changed together after a preview, and taken back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { apiAs, assertAccessible, assertClean, assertFits, jira, launch, makeFields, newPage, ticketUrl, unique } from './demo.mjs';

let browser;
let made;
let agent;
let page;

/** Where somebody looks at the pages themselves, a picture of each. */
const shot = async (on, what) => {
  if (process.env.STEWARD_SHOTS) await on.screenshot({ path: `${process.env.STEWARD_SHOTS}/${what}.png` });
};
const row = (at) => page.locator(`tr[aria-rowindex="${at + 2}"]`);
const box = (at) => row(at).getByRole('checkbox');
const cell = (at, column) => page.locator(`[data-cell="${at}:${column}"]`);
const bar = () => page.getByRole('toolbar', { name: 'What to do with the chosen rows' });
const counted = (text) => bar().getByText(text, { exact: true }).waitFor();
const idAt = async (at) => decodeURIComponent((await cell(at, 0).locator('a').getAttribute('href')).split('/').at(-1));
const held = async (id, field) => (await agent('GET', `/customers/${id}/values`)).body.values.find((v) => v.fieldId === field.id)?.value ?? null;

before(async () => {
  browser = await launch();
  agent = await apiAs('agent');
  made = await makeFields(await apiAs('admin'), unique('Bulk'), { level: { type: 'select', options: [{ label: 'Gold' }, { label: 'Tin' }] }, note: { type: 'text' } });
  page = await newPage(browser);
  await page.goto(await ticketUrl('agent', '#/customers?view=all'));
  await page.locator('.table-row').first().waitFor();
});
after(async () => {
  assertClean(page);
  await made?.remove();
  await browser?.close();
});

test('rows are chosen by pointer and by keyboard', async () => {
  await box(0).click();
  await counted('1 chosen');
  await box(2).click({ modifiers: ['Shift'] });
  await counted('3 chosen');
  assert.equal(await row(1).getAttribute('aria-selected'), 'true');
  await cell(1, 0).focus();
  await page.keyboard.press('Space');
  await counted('2 chosen');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  await counted('3 chosen');
  await assertAccessible(page, 'a table with chosen rows');
  await shot(page, 'bulk-chosen');
  await page.keyboard.press('Escape');
  await bar().waitFor({ state: 'detached' });
  await cell(0, 0).focus();
  await page.keyboard.press('Control+a');
  const { total } = (await agent('GET', '/customers?limit=1')).body;
  await counted(`${total.toLocaleString('en-GB')} chosen`);
  assert.equal(await page.getByRole('checkbox', { name: 'Choose all that the list finds' }).isChecked(), true);
  await page.keyboard.press('Escape');
  await bar().waitFor({ state: 'detached' });
});

test('what was chosen stays while one scrolls', async () => {
  await box(1).click();
  await page.locator('.table-scroll').evaluate((table) => table.scrollTo({ top: table.scrollHeight }));
  await row(1).waitFor({ state: 'detached' }).catch(() => undefined);
  await counted('1 chosen');
  await page.locator('.table-scroll').evaluate((table) => table.scrollTo({ top: 0 }));
  assert.equal(await box(1).isChecked(), true);
  await bar().getByRole('button', { name: 'Choose nothing' }).click();
});

test('a request is begun for the one row that is chosen', async () => {
  await box(1).click();
  await bar().getByRole('button', { name: 'New request' }).click();
  const dialog = page.getByRole('dialog', { name: 'New request' });
  const { displayName } = (await agent('GET', `/customers/${encodeURIComponent(await idAt(1))}`)).body;
  await dialog.getByText(`For ${displayName}`).waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await box(0).click();
  await counted('2 chosen');
  assert.equal(await bar().getByRole('button', { name: 'New request' }).count(), 0, 'two customers do not ask one thing');
  await bar().getByRole('button', { name: 'Choose nothing' }).click();
});

test('a field is set for all of them after a preview, and undone as one', async () => {
  const { level } = made.fields;
  const ids = [await idAt(0), await idAt(1), await idAt(2)];
  await agent('PUT', `/customers/${ids[2]}/values/${level.id}`, { value: level.options[0].id }, { 'if-match': '"v0"' });
  await box(0).click();
  await box(2).click({ modifiers: ['Shift'] });
  await bar().getByRole('button', { name: 'Set a field' }).click();
  await page.getByRole('button', { name: 'Show what would change' }).click();
  await page.getByText('Choose a field.').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: /Field/ }).click();
  await page.getByRole('option', { name: level.name }).click();
  await page.getByText('Left empty, the field is cleared.').waitFor();
  await page.getByRole('button', { name: /New value/ }).click();
  await page.getByRole('option', { name: 'Gold' }).click();
  await assertAccessible(page, 'what is to be set');
  await shot(page, 'bulk-wanted');
  await page.getByRole('button', { name: 'Show what would change' }).click();
  await page.getByRole('button', { name: 'Change 2 customers' }).waitFor();
  assert.equal(await held(ids[0], level), null, 'nothing changed yet');
  await page.getByRole('radio', { name: /^1\s*Are so already/ }).waitFor();
  assert.equal(await page.locator('.import-row').count(), 2);
  await assertAccessible(page, 'the preview of a bulk change');
  await shot(page, 'bulk-preview');

  await page.getByRole('button', { name: 'Change 2 customers' }).click();
  await page.getByText('2 changed').waitFor();
  for (const id of ids) assert.equal(await held(id, level), level.options[0].id);
  await shot(page, 'bulk-done');
  await page.reload();
  await page.getByText('2 changed').waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('alertdialog').or(page.getByRole('dialog')).getByRole('button', { name: 'Undo' }).click();
  await page.getByText('2 went back').waitFor();
  assert.equal(await held(ids[0], level), null);
  assert.equal(await held(ids[2], level), level.options[0].id, 'what was so before stays');
  await assertAccessible(page, 'a bulk change that was undone');
  const { items } = (await agent('GET', `/customers/${ids[0]}/history?fieldId=${level.id}`)).body;
  assert.deepEqual(items.map((entry) => entry.action), ['restored', 'set']);
  await page.getByRole('link', { name: 'All bulk changes' }).click();
  await page.getByRole('heading', { name: 'Bulk changes' }).waitFor();
  await page.getByRole('link', { name: `Set “${level.name}”` }).waitFor();
  await shot(page, 'bulk-all');
  await page.getByRole('link', { name: 'Customers' }).first().click();
  await page.locator('.table-row').first().waitFor();
  assert.equal(await bar().count(), 0, 'nothing is chosen any more');
});

test('customers join an organization together, and leave it by one undo', async () => {
  const made = (await agent('POST', '/organizations', { name: unique('Together'), projectIds: [] })).body;
  const name = (await agent('GET', `/organizations/${made.organizationId}`)).body.name;
  const members = async () => (await agent('GET', `/organizations/${made.organizationId}`)).body.memberCount;
  await box(0).click();
  await box(1).click();
  await bar().getByRole('button', { name: 'Organization or project' }).click();
  await page.getByRole('menuitem', { name: 'Add to an organization' }).click();
  await page.getByRole('combobox', { name: /Organization/ }).fill(name);
  await page.getByRole('option', { name }).click();
  await page.getByRole('button', { name: 'Show what would change' }).click();
  await page.getByRole('button', { name: 'Change 2 customers' }).waitFor();
  assert.equal(await members(), 0, 'nobody joined yet');
  await page.getByRole('button', { name: 'Change 2 customers' }).click();
  await page.getByText('2 changed').waitFor();
  assert.equal(await members(), 2);
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('alertdialog').or(page.getByRole('dialog')).getByRole('button', { name: 'Undo' }).click();
  await page.getByText('2 went back').waitFor();
  assert.equal(await members(), 0);
  await page.getByRole('link', { name: 'Customers' }).first().click();
  await page.locator('.table-row').first().waitFor();
});

/** Undoes what the page shows, after its question. */
const undo = async () => {
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('alertdialog').or(page.getByRole('dialog')).getByRole('button', { name: 'Undo' }).click();
};
const back = async () => {
  await page.getByRole('link', { name: 'Customers' }).first().click();
  await page.locator('.table-row').first().waitFor();
};

test('a bulk change is paused while Jira is slow, outlives a reload, and goes on where it stopped', async (context) => {
  const unfaulted = () => fetch(`${jira}/sandbox/faults`, { method: 'DELETE' });
  context.after(unfaulted);
  const { organizationId } = (await agent('POST', '/organizations', { name: unique('Paused'), projectIds: [] })).body;
  const { name } = (await agent('GET', `/organizations/${organizationId}`)).body;
  const members = async () => (await agent('GET', `/organizations/${organizationId}`)).body.memberCount;
  const { total } = (await agent('GET', '/customers?limit=1')).body;
  await cell(0, 0).focus();
  await page.keyboard.press('Control+a');
  await counted(`${total.toLocaleString('en-GB')} chosen`);
  await bar().getByRole('button', { name: 'Organization or project' }).click();
  await page.getByRole('menuitem', { name: 'Add to an organization' }).click();
  await page.getByRole('combobox', { name: /Organization/ }).fill(name);
  await page.getByRole('option', { name }).click();
  await page.getByRole('button', { name: 'Show what would change' }).click();
  const run = page.getByRole('button', { name: /^Change [\d,]+ customers$/ });
  await run.waitFor();
  const wanted = Number((await run.innerText()).replaceAll(/\D/g, ''));
  assert.ok(wanted > 50, 'Jira is asked for fifty at once, so more than once');

  // The first of these calls is held up until other faults are put in place.
  const slow = { requests: [{ do: 'slow', ms: 120_000, method: 'POST', path: `/rest/servicedeskapi/organization/${organizationId}/user`, next: 1 }] };
  assert.equal((await fetch(`${jira}/sandbox/faults`, { method: 'PUT', body: JSON.stringify(slow) })).status, 200);
  await run.click();
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.locator('.lozenge', { hasText: 'Paused' }).waitFor();
  await page.getByRole('button', { name: 'Go on' }).waitFor();
  assert.equal(await members(), 0, 'nobody is noted before Jira answered');
  await assertAccessible(page, 'a paused bulk change');
  await shot(page, 'bulk-paused');

  // What Jira was asked for by then is noted, and nothing else is asked.
  await unfaulted();
  for (let tries = 0; (await members()) === 0; tries += 1) {
    assert.ok(tries < 60, 'what Jira did is noted');
    await new Promise((resolve) => { setTimeout(resolve, 250); });
  }
  const first = await members();
  assert.ok(first <= 50 && first < wanted, `${first} of ${wanted}`);
  await page.reload();
  await page.locator('.lozenge', { hasText: 'Paused' }).waitFor();
  assert.match(await page.locator('.progress-text').innerText(), /^[1-9]\d?%$/);
  assert.equal(await members(), first, 'it stands still');
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText(`${wanted.toLocaleString('en-GB')} changed`).waitFor();
  await page.locator('.lozenge', { hasText: 'Done' }).waitFor();
  assert.equal(await members(), wanted, 'each joined once');
  await undo();
  await page.getByText(`${wanted.toLocaleString('en-GB')} went back`).waitFor();
  assert.equal(await members(), 0);
  await back();
});

test('customers leave an organization together; who is no member stays as they are, and the undo brings back who left', async () => {
  const ids = [await idAt(0), await idAt(1), await idAt(2)];
  const { organizationId } = (await agent('POST', '/organizations', { name: unique('Apart'), projectIds: [] })).body;
  const { name } = (await agent('GET', `/organizations/${organizationId}`)).body;
  const joined = await agent('POST', `/organizations/${organizationId}/members`, { accountIds: ids.slice(0, 2) });
  assert.ok(joined.status < 300, JSON.stringify(joined.body));
  const members = async () => (await agent('GET', `/organizations/${organizationId}`)).body.members.map((m) => m.accountId).sort();
  assert.deepEqual(await members(), ids.slice(0, 2).sort());
  await box(0).click();
  await box(2).click({ modifiers: ['Shift'] });
  await bar().getByRole('button', { name: 'Organization or project' }).click();
  await page.getByRole('menuitem', { name: 'Remove from an organization' }).click();
  await page.getByRole('combobox', { name: /Organization/ }).fill(name);
  await page.getByRole('option', { name }).click();
  await assertAccessible(page, 'from where they are removed');
  await page.getByRole('button', { name: 'Show what would change' }).click();
  await page.getByRole('button', { name: 'Change 2 customers' }).waitFor();
  await page.getByRole('radio', { name: /^1\s*Are so already/ }).waitFor();
  assert.equal((await members()).length, 2, 'nobody left yet');
  await assertAccessible(page, 'the preview of who leaves');
  await page.getByRole('button', { name: 'Change 2 customers' }).click();
  await page.getByText('2 changed').waitFor();
  assert.deepEqual(await members(), []);
  await undo();
  await page.getByText('2 went back').waitFor();
  assert.deepEqual(await members(), ids.slice(0, 2).sort(), 'whoever was no member is none');
  await back();
});

test('customers are added to a project by whoever administers it, and the undo takes them out; an agent is told that Jira refuses', async () => {
  const admin = await apiAs('admin');
  const project = (await agent('GET', '/projects')).body.items.at(-1);
  const among = async () => {
    const found = [];
    for (let cursor = ''; cursor !== null;) {
      const { body } = await admin('GET', `/customers?limit=100&query=${encodeURIComponent(`project = ${project.key}`)}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      found.push(...body.items.map((c) => c.accountId));
      cursor = body.nextCursor;
    }
    return found.sort();
  };
  const rows = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const ids = await Promise.all(rows.map(idAt));
  const before = await among();
  const [first, second] = rows.filter((at) => !before.includes(ids[at]));
  const show = async () => {
    await box(first).click();
    await box(second).click();
    await counted('2 chosen');
    await bar().getByRole('button', { name: 'Organization or project' }).click();
    await page.getByRole('menuitem', { name: 'Add to a project' }).click();
    await page.getByRole('button', { name: 'Show what would change' }).click();
    await page.getByText('Choose a project.').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: /Project/ }).click();
    await page.getByRole('option', { name: project.name }).click();
    await assertAccessible(page, 'the project that they are added to');
    await page.getByRole('button', { name: 'Show what would change' }).click();
    await page.getByRole('button', { name: 'Change 2 customers' }).click();
  };
  await show();
  await page.getByText('Jira does not allow this').waitFor();
  await page.locator('.lozenge', { hasText: 'Paused' }).waitFor();
  await assertAccessible(page, 'a bulk change that Jira refuses');
  await page.getByRole('button', { name: 'Leave it' }).click();
  assert.deepEqual(await among(), before);

  const agents = page;
  page = await newPage(browser);
  await page.goto(await ticketUrl('admin', '#/customers?view=all'));
  await page.locator('.table-row').first().waitFor();
  await show();
  await page.getByText('2 changed').waitFor();
  assert.deepEqual(await among(), [...before, ids[first], ids[second]].sort());
  await undo();
  await page.getByText('2 went back').waitFor();
  assert.deepEqual(await among(), before);
  assertClean(page);
  await page.context().close();
  page = agents;
  await page.goto(await ticketUrl('agent', '#/customers?view=all'));
  await page.locator('.table-row').first().waitFor();
});

test('a preview that was left leads back to what was chosen, on a narrow and dark page', async () => {
  const wide = page;
  page = await newPage(browser, { width: 380, height: 800, colorScheme: 'dark' });
  await page.goto(await ticketUrl('agent', '#/customers?view=all'));
  await page.locator('.table-row').first().waitFor();
  await box(0).click();
  await counted('1 chosen');
  await assertFits(page, 'a table with a chosen row');
  await shot(page, 'bulk-narrow');
  await bar().getByRole('button', { name: 'Organization or project' }).click();
  await page.getByRole('menuitem', { name: 'Add to an organization' }).click();
  await page.getByRole('combobox', { name: /Organization/ }).fill('a');
  await page.getByRole('option').first().click();
  await shot(page, 'bulk-narrow-organization');
  await page.getByRole('button', { name: 'Show what would change' }).click();
  await page.getByText(/Not changed yet/).waitFor();
  await assertFits(page, 'the preview');
  await assertAccessible(page, 'a narrow preview');
  await shot(page, 'bulk-narrow-preview');
  await page.getByRole('button', { name: 'Choose something else' }).click();
  await counted('1 chosen');
  assert.equal(await box(0).isChecked(), true);
  assertClean(page);
  await page.context().close();
  page = wide;
});
