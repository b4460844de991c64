// Tables: saved views, columns, the keyboard in cells, blocks of cells, quick search.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { apiAs, assertAccessible, assertClean, assertFits, demo, jira, launch, makeFields, newPage, ticketUrl, unique } from './demo.mjs';

let browser;
let made;
let agent;
before(async () => {
  browser = await launch();
  agent = await apiAs('agent');
  made = await makeFields(await apiAs('admin'), unique('Table'), { level: { type: 'select', options: [{ label: 'Gold' }, { label: 'Very gold' }] }, note: { type: 'text' }, count: { type: 'number' }, manager: { type: 'user' }, renewal: { type: 'date' }, call: { type: 'dateTime' } });
});
after(async () => {
  const { body } = (await agent?.('GET', '/views?entity=customer')) ?? { body: { items: [] } };
  for (const view of body.items.filter((v) => v.mine)) await agent('DELETE', `/views/${view.id}`, undefined, { 'if-match': `"v${view.version}"` });
  await made?.remove();
  await browser?.close();
});

const cell = (page, row, column) => page.locator(`[data-cell="${row}:${column}"]`);
const columns = (page) => page.locator('th[data-column]').evaluateAll((heads) => heads.map((head) => head.dataset.column));
/** The heads follow when the page is drawn again. */
const columnsBecome = (page, keys) => page.waitForFunction((wanted) => [...document.querySelectorAll('th[data-column]')].map((head) => head.dataset.column).join() === wanted, keys.join());

async function open(hash = '#/customers?view=all', options = {}, there = '.table-row, .empty') {
  const page = await newPage(browser, options);
  await page.goto(await ticketUrl('agent', hash));
  await page.locator(there).first().waitFor();
  return page;
}

/** A view with the three fields, made by the API. */
async function viewOf(name, more = {}) {
  const { level, note, count } = made.fields;
  const made_ = await agent('POST', '/views', { entity: 'customer', name, columns: ['name', level.id, note.id, count.id].map((key) => ({ key, pinned: key === 'name' })), ...more });
  assert.equal(made_.status, 201, JSON.stringify(made_.body));
  return made_.body;
}

async function valuesOf(page, row) {
  const href = await cell(page, row, 0).locator('a').getAttribute('href');
  const { body } = await agent('GET', `/customers/${href.split('/').at(-1)}/values`);
  const ours = Object.values(made.fields).map((f) => f.id);
  return Object.fromEntries(body.values.filter((v) => ours.includes(v.fieldId)).map((v) => [v.fieldId, v.value]));
}

/** Pastes what a clipboard holds, by its types, into the cell that has the keyboard. */
const pasteInto = (page, held) => page.evaluate((types) => {
  const data = new DataTransfer();
  for (const [type, text] of Object.entries(types)) data.setData(type, text);
  document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
}, held);

describe('saved views', () => {
  test('columns and a query are saved, opened, renamed, deleted and taken back', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.locator('.column-item', { hasText: made.fields.level.name }).locator('.checkbox').click();
    await page.keyboard.press('Escape');
    await page.locator('.view-bar .lozenge', { hasText: 'Changed' }).waitFor();
    await page.getByRole('textbox', { name: 'Query' }).fill('name ~ a*');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    await page.waitForURL(/query=/);
    await page.getByRole('button', { name: 'Save view' }).click();
    const name = unique('Mine');
    await page.getByRole('textbox', { name: 'Name' }).fill(name);
    await assertAccessible(page, 'the name of a view');
    await page.keyboard.press('Enter');
    await page.waitForURL(/view=/);
    await page.getByRole('button', { name: `View: ${name}` }).waitFor();
    assert.equal(await page.getByRole('textbox', { name: 'Query' }).inputValue(), 'name ~ a*');
    assert.ok((await columns(page)).includes(made.fields.level.id));
    await assertAccessible(page, 'a table with a view');
    await page.getByRole('button', { name: 'Actions for this view' }).click();
    await page.getByRole('menuitem', { name: 'Rename' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill(`${name} again`);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: `View: ${name} again` }).waitFor();
    await page.getByRole('button', { name: 'Actions for this view' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'View: All customers' }).waitFor();
    await page.locator('.flag', { hasText: 'is deleted' }).getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: `View: ${name} again` }).waitFor();
    assertClean(page);
  });

  test('a view that is shared is there for a second person', async () => {
    const view = await viewOf(unique('Ours'), { query: 'name ~ a*' });
    const page = await open(`#/customers?view=${view.id}`);
    await page.getByRole('button', { name: 'Actions for this view' }).click();
    await page.getByRole('menuitem', { name: 'Share with everybody' }).click();
    await page.locator('.flag', { hasText: view.name }).waitFor();
    const other = await newPage(browser);
    await other.goto(await ticketUrl('admin', '#/customers?view=all'));
    await other.getByRole('button', { name: /^View:/ }).click();
    await other.getByText('Shared views').waitFor();
    await other.getByRole('menuitem', { name: view.name }).click();
    await other.getByRole('button', { name: `View: ${view.name}` }).waitFor();
    assert.equal(await other.getByRole('textbox', { name: 'Query' }).inputValue(), 'name ~ a*');
    await other.getByRole('button', { name: 'Actions for this view' }).click();
    await other.getByRole('menuitem', { name: 'Duplicate' }).waitFor();
    assert.equal(await other.getByRole('menuitem', { name: 'Stop sharing' }).count(), 0, 'it is not theirs');
    assertClean(page);
    assertClean(other);
    await other.context().close();
  });

  test('a table starts with the view that its reader chose', async () => {
    const view = await viewOf(unique('Start'));
    assert.equal((await agent('PUT', `/views/${view.id}/default`)).status, 204);
    const page = await open('#/customers');
    await page.getByRole('button', { name: `View: ${view.name}` }).click();
    await page.getByRole('menuitem', { name: 'All customers' }).click();
    await page.waitForURL(/view=all/);
    await page.getByRole('button', { name: 'View: All customers' }).waitFor();
    assert.equal((await agent('DELETE', `/views/${view.id}/default`)).status, 204);
  });

  test('a view whose field is gone says so; one that is not there too', async () => {
    const admin = await apiAs('admin');
    const gone = await makeFields(admin, unique('Gone'), { field: { type: 'text' } });
    const view = await viewOf(unique('Gone'), { columns: [{ key: 'name' }, { key: gone.fields.field.id }] });
    await gone.remove();
    const page = await open(`#/customers?view=${view.id}`);
    await page.locator('.page-notice', { hasText: gone.fields.field.name }).waitFor();
    await columnsBecome(page, ['name']);
    await assertAccessible(page, 'a view whose field is gone');
    const lost = await open('#/customers?view=0193a6f2-7c00-7d41-9b1e-2f6c1f0e8a11');
    await lost.locator('.page-notice', { hasText: 'This view is not there' }).waitFor();
    assert.ok((await lost.locator('.table-row').count()) > 1);
  });
});

describe('columns', () => {
  test('are widened by keyboard and pointer, moved, and remembered', async () => {
    const page = await open();
    const width = async (key) => Math.round((await page.locator(`th[data-column="${key}"]`).boundingBox()).width);
    const before = await width('email');
    const edge = page.getByRole('separator', { name: 'Width of E-mail' });
    await edge.focus();
    for (const wider of [16, 32]) {
      await page.keyboard.press('ArrowRight');
      await page.waitForFunction((w) => Math.round(document.querySelector('th[data-column="email"]').getBoundingClientRect().width) === w, before + wider);
    }
    const box = await edge.boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 - 50, box.y + box.height / 2, { steps: 4 });
    await page.mouse.up();
    // The head follows when the page is drawn again.
    await page.waitForFunction((w) => Math.abs(Math.round(document.querySelector('th[data-column="email"]').getBoundingClientRect().width) - w) <= 2, before - 18);
    await page.locator('th[data-column="timeZone"] .table-head').dragTo(page.locator('th[data-column="email"] .table-head'));
    await columnsBecome(page, ['name', 'timeZone', 'email', 'organizations']);
    await page.reload();
    await page.locator('.table-row').first().waitFor();
    await columnsBecome(page, ['name', 'timeZone', 'email', 'organizations']);
    await page.getByRole('button', { name: 'Columns' }).click();
    await assertAccessible(page, 'the columns');
    await page.getByRole('button', { name: 'Reset columns' }).click();
    await columnsBecome(page, ['name', 'email', 'organizations', 'timeZone']);
    assertClean(page);
  });
});

describe('a pinned column', () => {
  test('stands at the beginning while the others are scrolled, is remembered, and is let go', async () => {
    const page = await open('#/customers?view=all', { width: 800, height: 700 });
    const head = (key) => page.locator(`th[data-column="${key}"]`);
    const left = async (key) => Math.round((await head(key).boundingBox()).x);
    await page.getByRole('button', { name: 'Columns' }).click();
    const { level, note, count } = made.fields;
    for (const { name } of [level, note, count]) await page.locator('.column-item', { hasText: name }).locator('.checkbox').click();
    const row = page.locator('.column-item', { hasText: 'Local time' });
    await row.getByRole('button', { name: 'Pin Local time' }).click();
    await row.getByRole('button', { name: 'Unpin Local time' }).waitFor();
    await assertAccessible(page, 'a column that is pinned');
    await page.keyboard.press('Escape');
    const order = ['name', 'timeZone', 'email', 'organizations', level.id, note.id, count.id];
    await columnsBecome(page, order);
    assert.deepEqual(await page.locator('th[data-pinned]').evaluateAll((heads) => heads.map((th) => th.dataset.column)), ['name', 'timeZone']);
    const scrolls = async () => {
      const before = { pinned: await left('timeZone'), email: await left('email') };
      await page.locator('.table-scroll').evaluate((table) => table.scrollTo({ left: 150 }));
      await page.waitForFunction(([key, x]) => Math.abs(document.querySelector(`th[data-column="${key}"]`).getBoundingClientRect().x - (x - 150)) <= 1, ['email', before.email]);
      return (await left('timeZone')) - before.pinned;
    };
    assert.equal(await scrolls(), 0, 'it stays');
    await page.reload();
    await page.locator('.table-row').first().waitFor();
    await columnsBecome(page, order);
    assert.equal(await scrolls(), 0, 'it stays after a reload');
    await page.locator('.table-scroll').evaluate((table) => table.scrollTo({ left: 0 }));
    await page.getByRole('button', { name: 'Columns' }).click();
    // By keyboard, too.
    await row.getByRole('button', { name: 'Unpin Local time' }).focus();
    await page.keyboard.press('Enter');
    await row.getByRole('button', { name: 'Pin Local time' }).waitFor();
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => !document.querySelector('th[data-column="timeZone"]').hasAttribute('data-pinned'));
    assert.equal(await scrolls(), -150, 'it goes with the others');
    assertClean(page);
  });
});

describe('cells', () => {
  test('are walked, edited, cleared, and taken back by keyboard', async () => {
    const view = await viewOf(unique('Cells'));
    const page = await open(`#/customers?view=${view.id}`);
    await cell(page, 0, 0).focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    assert.equal(await page.evaluate(() => document.activeElement.dataset.cell), '0:2');
    await page.keyboard.press('Enter');
    await page.getByRole('textbox', { name: made.fields.note.name }).fill('Written in a cell');
    await assertAccessible(page, 'a cell being edited');
    await page.keyboard.press('Enter');
    await cell(page, 0, 2).getByText('Written in a cell').waitFor();
    await page.waitForFunction(() => document.activeElement?.dataset?.cell === '1:2');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Delete');
    await cell(page, 0, 2).getByText('Written in a cell').waitFor({ state: 'detached' });
    await page.keyboard.press('Control+z');
    await cell(page, 0, 2).getByText('Written in a cell').waitFor();
    await page.keyboard.press('Control+z');
    await cell(page, 0, 2).getByText('Written in a cell').waitFor({ state: 'detached' });
    await page.keyboard.press('Control+Shift+z');
    await cell(page, 0, 2).getByText('Written in a cell').waitFor();
    await page.keyboard.press('Control+End');
    await page.waitForFunction(() => document.activeElement?.dataset?.cell?.endsWith(':3'));
    await page.keyboard.press('Control+Home');
    await page.waitForFunction(() => document.activeElement?.dataset?.cell === '0:0');
    await assertAccessible(page, 'a grid');
    assertClean(page);
  });

  test('a block is copied and pasted, with what is refused told at its place', async () => {
    const view = await viewOf(unique('Block'));
    const page = await open(`#/customers?view=${view.id}`);
    const paste = (text) => pasteInto(page, { 'text/plain': text });
    await cell(page, 1, 1).click();
    await paste('Gold\t"two ""quoted"" words"\t12.5\nvery gold\t\t7');
    await cell(page, 1, 1).getByText('Gold', { exact: true }).waitFor();
    await cell(page, 2, 3).getByText('7').waitFor();
    assert.deepEqual(await valuesOf(page, 1), { [made.fields.level.id]: made.fields.level.options[0].id, [made.fields.note.id]: 'two "quoted" words', [made.fields.count.id]: 12.5 });
    await page.keyboard.press('Shift+ArrowDown');
    await page.keyboard.press('Shift+ArrowRight');
    assert.equal(await page.locator('td[aria-selected="true"]').count(), 4);
    const copied = await page.evaluate(() => {
      const data = new DataTransfer();
      document.activeElement.dispatchEvent(new ClipboardEvent('copy', { clipboardData: data, bubbles: true, cancelable: true }));
      return data.getData('text/plain');
    });
    assert.equal(copied, 'Gold\t"two ""quoted"" words"\r\nVery gold\t');
    // Something is wrong: it is shown before anything is written.
    await page.keyboard.press('Escape');
    await cell(page, 3, 1).click();
    await paste('Platinum\tfine\tmany');
    await page.getByRole('dialog', { name: 'Paste' }).waitFor();
    await page.getByText('There is no such option.').waitFor();
    await assertAccessible(page, 'what would be pasted');
    await page.getByRole('button', { name: 'Write 1 cell' }).click();
    await cell(page, 3, 2).getByText('fine').waitFor();
    assert.deepEqual(await valuesOf(page, 3), { [made.fields.note.id]: 'fine' });
    assertClean(page);
  });

  test('people are copied by name and stay who they are; by name, address and account id they are found', async () => {
    const { manager } = made.fields;
    const view = await viewOf(unique('People'), { columns: [{ key: 'name' }, { key: manager.id }] });
    const { accountId, displayName, email } = demo.users.agent;
    const page = await open(`#/customers?view=${view.id}`);
    const heldAt = async (row) => (await valuesOf(page, row))[manager.id] ?? null;
    await cell(page, 6, 1).click();
    await pasteInto(page, { 'text/plain': `${displayName.toUpperCase()}\n${email}\n${accountId}` });
    for (const row of [6, 7, 8]) {
      await cell(page, row, 1).getByText(displayName).waitFor();
      assert.equal(await heldAt(row), accountId);
    }
    await cell(page, 6, 1).click();
    const copied = await page.evaluate(() => {
      const data = new DataTransfer();
      document.activeElement.dispatchEvent(new ClipboardEvent('copy', { clipboardData: data, bubbles: true, cancelable: true }));
      return Object.fromEntries([...data.types].map((type) => [type, data.getData(type)]));
    });
    assert.equal(copied['text/plain'], displayName);
    await cell(page, 9, 1).click();
    await pasteInto(page, copied);
    await cell(page, 9, 1).getByText(displayName).waitFor();
    assert.equal(await heldAt(9), accountId);
    // A part of a name or of an address is nobody's: it would be a guess.
    await cell(page, 10, 1).click();
    await pasteInto(page, { 'text/plain': `${displayName.slice(0, -1)}\n${email.slice(0, -1)}` });
    const dialog = page.getByRole('dialog', { name: 'Paste' });
    await dialog.getByText('Jira knows nobody').first().waitFor();
    assert.equal(await dialog.getByText('Jira knows nobody').count(), 2);
    assert.equal(await dialog.getByRole('button', { name: 'Write 0 cells' }).isDisabled(), true);
    await assertAccessible(page, 'people who were not found');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    assert.equal(await heldAt(10), null);
    assertClean(page);
  });

  test('dates are pasted in the reader’s form and zone, and nothing is made of what is no date', async () => {
    const { renewal, call } = made.fields;
    const view = await viewOf(unique('Dates'), { columns: [{ key: 'name' }, { key: renewal.id }, { key: call.id }] });
    const page = await open(`#/customers?view=${view.id}`);
    const { locale, timeZone } = (await agent('GET', '/me')).body;
    const reader = { locale: (locale ?? 'en-GB').replaceAll('_', '-'), timeZone: timeZone ?? 'Europe/Berlin' };
    const noon = new Date('2026-01-31T12:00:00Z');
    const day = new Intl.DateTimeFormat(reader.locale, { dateStyle: 'medium', timeZone: 'UTC' }).format(noon);
    const time = new Intl.DateTimeFormat(reader.locale, { dateStyle: 'medium', timeStyle: 'short', timeZone: reader.timeZone }).format(noon);
    await cell(page, 11, 1).click();
    await pasteInto(page, { 'text/plain': `${day}\t"${time}"\n2026-02-01\t2026-02-01T09:00:00+02:00` });
    await cell(page, 11, 1).getByText(day).waitFor();
    await cell(page, 12, 2).locator('.value-text').waitFor();
    assert.deepEqual(await valuesOf(page, 11), { [renewal.id]: '2026-01-31', [call.id]: '2026-01-31T12:00:00Z' });
    assert.deepEqual(await valuesOf(page, 12), { [renewal.id]: '2026-02-01', [call.id]: '2026-02-01T07:00:00Z' });
    await cell(page, 13, 1).click();
    await pasteInto(page, { 'text/plain': 'Contract 7\tContract 7' });
    const dialog = page.getByRole('dialog', { name: 'Paste' });
    await dialog.getByText(`Write a date in one of these forms: 2026-01-31 · ${day}`).waitFor();
    await dialog.getByText(`Without a zone, ${reader.timeZone} is meant`).waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    assert.deepEqual(await valuesOf(page, 13), {});
    assertClean(page);
  });

  test('what somebody else changed meanwhile is not written over', async () => {
    const view = await viewOf(unique('Conflict'));
    const page = await open(`#/customers?view=${view.id}`);
    await cell(page, 5, 2).click();
    await page.locator('.bone').first().waitFor({ state: 'detached' });
    const id = decodeURIComponent((await cell(page, 5, 0).locator('a').getAttribute('href')).split('/').at(-1));
    const path = `/customers/${encodeURIComponent(id)}/values/${made.fields.note.id}`;
    assert.equal((await agent('PUT', path, { value: 'theirs' }, { 'if-match': '"v0"' })).status, 200);
    await pasteInto(page, { 'text/plain': 'mine' });
    await page.locator('.flag', { hasText: '1 row was refused' }).waitFor();
    await cell(page, 5, 2).getByText('theirs').waitFor();
  });
});

describe('quick search', () => {
  test('opens by keyboard, finds as one types, and leads to the record', async () => {
    const { body } = await agent('GET', '/customers?limit=1');
    const [customer] = body.items;
    const page = await open('#/organizations');
    await page.keyboard.press('Control+k');
    const input = page.getByRole('searchbox', { name: 'Search customers and organizations' });
    await input.waitFor();
    await page.keyboard.type(customer.displayName);
    await page.getByRole('option').first().filter({ hasText: customer.displayName }).waitFor();
    assert.ok((await page.locator('.quick-search mark').count()) > 0);
    await assertAccessible(page, 'quick search');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForURL(/#\/customers\/./);
    await page.locator('.person-name').waitFor();
    await page.locator('main').focus();
    await page.keyboard.press('/');
    await input.fill('zzzzqqqq');
    await page.getByText('Nothing matches').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.locator('.quick-search').waitFor({ state: 'detached' });
    assertClean(page);
  });

  test('opens while a flag says what was done, which covers nothing', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Export' }).click();
    await page.getByRole('menuitem', { name: 'JSON' }).click();
    const flag = page.locator('.flag', { hasText: 'is downloaded' });
    await flag.waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('searchbox', { name: 'Search customers and organizations' }).waitFor();
    assert.equal(await flag.count(), 1);
    // Over the search itself, the keys do nothing.
    await page.keyboard.press('Control+k');
    assert.equal(await page.locator('.quick-search').count(), 1);
    await page.keyboard.press('Escape');
    await page.locator('.quick-search').waitFor({ state: 'detached' });
    assertClean(page);
  });

  /** Jira's own answer to a search, newest first. */
  async function issues(count) {
    const { email, apiToken } = demo.users.agent;
    const jql = encodeURIComponent('reporter IS NOT EMPTY ORDER BY created DESC');
    const asked = await fetch(`${jira}/rest/api/3/search/jql?fields=reporter&maxResults=${count}&jql=${jql}`, { headers: { authorization: `Basic ${Buffer.from(`${email}:${apiToken}`).toString('base64')}` } });
    return (await asked.json()).issues;
  }

  async function searchFor(page, key) {
    await page.keyboard.press('Control+k');
    await page.keyboard.type(key.toLowerCase());
    await page.getByRole('option', { name: key }).waitFor();
  }

  test('the key of a request leads to who asks there', async () => {
    const [issue] = await issues(1);
    const page = await open('#/customers?view=all');
    await searchFor(page, issue.key);
    await assertAccessible(page, 'a request in quick search');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForURL(new RegExp(`#/issues/${issue.key}$`));
    await page.locator('.person-name', { hasText: issue.fields.reporter.displayName }).waitFor();
    assertClean(page);
  });

  test('from a request to the next, which does not ask for whom was chosen at the first, and back to the lists', async () => {
    const found = await issues(50);
    let first;
    for (const issue of found) {
      const { body: panel } = await agent('GET', `/panel?issue=${issue.key}`);
      if (panel.people?.length > 1) first = { issue, people: panel.people };
      if (first) break;
    }
    assert.ok(first, 'a request of several people');
    const next = found.find((issue) => first.people.every((person) => person.accountId !== issue.fields.reporter.accountId));
    const page = await open(`#/issues/${first.issue.key}`, {}, '.person-name');
    const other = first.people[1].displayName;
    await page.getByRole('button', { name: /Person/ }).click();
    await page.getByRole('option', { name: other }).click();
    await page.locator('.person-name', { hasText: other }).waitFor();
    await assertAccessible(page, 'a request on a page of its own');
    await searchFor(page, next.key);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForURL(new RegExp(`#/issues/${next.key}$`));
    await page.locator('.person-name', { hasText: next.fields.reporter.displayName }).waitFor();
    await page.locator('.skip').focus();
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'MAIN');
    await page.getByRole('navigation', { name: 'Steward pages' }).getByRole('link', { name: 'Organizations' }).click();
    await page.locator('.table-row').first().waitFor();
    assertClean(page);
  });
});

for (const options of [{ width: 400, height: 800 }, { colorScheme: 'dark' }]) {
  test(`a table fits and is accessible: ${JSON.stringify(options)}`, async () => {
    const view = await viewOf(unique('Fits'));
    const page = await open(`#/customers?view=${view.id}`, options);
    await assertFits(page, 'a table');
    await assertAccessible(page, 'a table');
    await page.getByRole('button', { name: 'Columns' }).click();
    await assertFits(page, 'the columns');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.locator('.quick-search').waitFor();
    await page.keyboard.type((await agent('GET', '/customers?limit=1')).body.items[0].displayName);
    await page.locator('.quick-search mark').first().waitFor();
    await page.keyboard.press('ArrowDown');
    await assertFits(page, 'quick search');
    await assertAccessible(page, 'quick search on what it found');
    assertClean(page);
  });
}
