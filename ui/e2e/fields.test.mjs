// The field editor in the page: a section, a field in it with all that can be said of one, whom it then is for; moved, retired, brought back.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { apiAs, assertAccessible, assertClean, assertFits, demo, launch, newPage, ticketUrl, unique } from './demo.mjs';

const FIELD = unique('Badge');
const SECTION = unique('At the door');
const OTHER = unique('Upstairs');
const RENAMED = unique('Reception');
const HELP = 'As printed on the badge.';
const customerPath = `/customers/${encodeURIComponent(demo.users.customer.accountId)}`;

let browser;
let admin;
let page;
/** The project whose customer the demo's is, and one whose they are not. */
let theirs;
let others;

const foot = (name, on = page) => on.locator('.window-foot').getByRole('button', { name, exact: true });
const item = () => page.locator('.shelf-item', { hasText: FIELD });
const shelf = (name) => page.getByRole('region', { name, exact: true });
const shelves = () => page.locator('.shelf-title').allInnerTexts();
const closed = () => page.locator('.dialog').waitFor({ state: 'detached' });
const choose = async (label, option) => {
  await page.locator('.form').getByRole('button', { name: label }).click();
  await page.getByRole('option', { name: option, exact: true }).click();
};
const sectionMenu = async (name, entry) => {
  await page.getByRole('button', { name: `Actions for section ${name}` }).click();
  await page.getByRole('menuitem', { name: entry }).click();
};
const fieldMenu = async (entry) => {
  await item().getByRole('button', { name: /^Actions for/ }).click();
  await page.getByRole('menuitem', { name: entry, exact: true }).click();
};
const announced = (text) => page.getByTestId('announcer').getByText(text).waitFor();
const read = async () => [...(await admin('GET', '/fields?entity=customer')).body.items, ...(await admin('GET', '/fields?entity=customer&retired=true')).body.items].find((f) => f.name === FIELD);
const sections = async () => (await admin('GET', '/sections?entity=customer')).body.items;

/** The customer's own page. */
async function profile() {
  const own = await newPage(browser);
  await own.goto(await ticketUrl('customer', '#/profile'));
  await own.locator('.field, .empty').first().waitFor();
  return own;
}
async function seenByCustomer() {
  const own = await profile();
  const seen = await own.locator(`[data-field="${(await read()).id}"]`).count();
  assertClean(own);
  await own.context().close();
  return seen === 1;
}
const save = async () => {
  await foot('Save').click();
  await closed();
};

before(async () => {
  browser = await launch();
  admin = await apiAs('admin');
  for (const project of (await admin('GET', '/projects')).body.items) {
    const { body } = await admin('GET', `/customers?limit=100&query=${encodeURIComponent(`project = ${project.key}`)}`);
    if (body.items.some((c) => c.accountId === demo.users.customer.accountId)) theirs = project;
    else others = project;
  }
  page = await newPage(browser);
  await page.goto(await ticketUrl('admin', '#/settings/customer'));
  await page.locator('.editor-head').waitFor();
});
after(async () => {
  const field = await read();
  if (field && !field.retired) await admin('DELETE', `/fields/${field.id}`, undefined, { 'if-match': `"v${field.version}"` });
  for (const section of (await sections()).filter((s) => [SECTION, OTHER, RENAMED].includes(s.name))) await admin('DELETE', `/sections/${section.id}`, undefined, { 'if-match': `"v${section.version}"` });
  assertClean(page);
  await browser?.close();
});

describe('a section and a field in it', () => {
  test('a section without a name is refused where it is missing; two are added', async () => {
    await page.locator('.editor-actions').getByRole('button', { name: 'Add section' }).click();
    await foot('Add').click();
    await page.locator('.window').getByText('This field is required.').waitFor();
    await assertAccessible(page, 'a section without a name');
    await page.getByRole('textbox', { name: /Name of the section/ }).fill(SECTION);
    await page.keyboard.press('Enter');
    await shelf(SECTION).waitFor();
    await page.locator('.editor-actions').getByRole('button', { name: 'Add section' }).click();
    await page.getByRole('textbox', { name: /Name of the section/ }).fill(OTHER);
    await foot('Add').click();
    await shelf(OTHER).getByText('No fields here yet').waitFor();
    assert.deepEqual((await sections()).slice(-2).map((s) => s.name), [SECTION, OTHER]);
  });

  test('a field is added to it with a help text, a default, for customers to change, and required', async () => {
    await shelf(SECTION).getByRole('button', { name: `Add field: ${SECTION}` }).click();
    assert.match(await page.locator('.form').getByRole('button', { name: /Section/ }).innerText(), new RegExp(SECTION));
    await page.getByRole('textbox', { name: /^Name/ }).fill(FIELD);
    await page.getByRole('textbox', { name: /^Help text/ }).fill(HELP);
    await page.locator('.switch', { hasText: 'Required' }).click();
    await page.getByRole('textbox', { name: /^Default value/ }).fill('Visitor');
    await page.locator('.radio', { hasText: 'Customers may change it' }).click();
    await assertAccessible(page, 'a field with all that can be said of it');
    await foot('Add').click();
    await shelf(SECTION).locator('.shelf-item', { hasText: FIELD }).waitFor();
    assert.match(await item().innerText(), /Text[\s\S]*Required[\s\S]*Customers change it/);
    const field = await read();
    assert.equal(field.sectionId, (await sections()).find((s) => s.name === SECTION).id);
    assert.deepEqual([field.help, field.required, field.default, field.audience, field.projects], [HELP, true, 'Visitor', 'customerEdit', []]);
  });

  test('the customer is shown the default and the help text, and cannot empty what is required', async () => {
    const own = await profile();
    const row = own.locator(`[data-field="${(await read()).id}"]`);
    assert.match(await row.locator('.field-content').innerText(), /^Visitor\s+default$/);
    await row.locator('[data-edit]').click();
    await row.getByText(HELP).waitFor();
    await own.keyboard.press('Control+A');
    await own.keyboard.press('Delete');
    await own.keyboard.press('Enter');
    await row.locator('.control-error', { hasText: 'This field is required.' }).waitFor();
    await assertAccessible(own, 'a required field that was emptied');
    await own.keyboard.type('Guest 7');
    await own.keyboard.press('Enter');
    await row.locator('.field-saved').waitFor();
    assert.equal((await row.locator('.field-content').innerText()).trim(), 'Guest 7');
    assertClean(own);
    await own.context().close();
  });
});

describe('whom a field is for', () => {
  test('limited to a project, it is for the customers of that project alone', async () => {
    await item().click();
    await page.locator('.form .checkbox', { hasText: others.name }).click();
    await page.locator('.form').getByText('1 chosen').waitFor();
    await assertAccessible(page, 'a field limited to a project');
    await save();
    await item().getByText('1 project').waitFor();
    assert.deepEqual((await read()).projects, [others.id]);
    assert.equal(await seenByCustomer(), false, 'of another project');
    await item().click();
    await page.locator('.form .checkbox', { hasText: theirs.name }).click();
    await save();
    await item().getByText('2 projects').waitFor();
    assert.equal(await seenByCustomer(), true, 'of their project too');
    await item().click();
    for (const { name } of [theirs, others]) await page.locator('.form .checkbox', { hasText: name }).click();
    await save();
    assert.deepEqual((await read()).projects, []);
  });

  test('customers who may see it do not change it; kept to agents, it is not theirs to see', async () => {
    await item().click();
    await page.locator('.radio', { hasText: 'Customers may see it' }).click();
    await save();
    await item().getByText('Customers see it').waitFor();
    const own = await profile();
    const row = own.locator(`[data-field="${(await read()).id}"]`);
    await row.getByText('Guest 7').waitFor();
    assert.equal(await row.locator('[data-edit]').count(), 0);
    await own.context().close();
    await item().click();
    await page.locator('.radio', { hasText: 'Agents only' }).click();
    await save();
    await item().getByText('Agents only').waitFor();
    assert.equal(await seenByCustomer(), false);
  });

  test('a help text, a default and the mark of being required are taken away again', async () => {
    await item().click();
    await page.getByRole('textbox', { name: /^Help text/ }).fill('');
    await page.getByRole('textbox', { name: /^Default value/ }).fill('');
    await page.locator('.switch', { hasText: 'Required' }).click();
    await save();
    const field = await read();
    assert.deepEqual([field.help, field.required, field.default], [null, false, null]);
  });
});

describe('where it stands', () => {
  test('a section is renamed', async () => {
    await sectionMenu(SECTION, 'Rename section');
    await page.getByRole('textbox', { name: /Name of the section/ }).fill(RENAMED);
    await page.keyboard.press('Enter');
    await shelf(RENAMED).locator('.shelf-item', { hasText: FIELD }).waitFor();
    assert.equal(await shelf(SECTION).count(), 0);
  });

  test('a section is moved, and stays there after a reload', async () => {
    const order = await shelves();
    const [from, before] = [order.indexOf(OTHER), order.indexOf(RENAMED)];
    assert.equal(from, before + 1);
    await sectionMenu(OTHER, 'Move section up');
    await page.waitForFunction(([name, place]) => [...document.querySelectorAll('.shelf-title')].findIndex((title) => title.textContent === name) === place, [OTHER, before]);
    await page.reload();
    await item().waitFor();
    assert.deepEqual((await shelves()).slice(before, before + 2), [OTHER, RENAMED]);
    await page.getByRole('button', { name: `Actions for section ${RENAMED}` }).click();
    assert.equal(await page.getByRole('menuitem', { name: 'Move section down' }).getAttribute('aria-disabled'), 'true', 'it is the last');
    await page.keyboard.press('Escape');
  });

  test('a field is moved into another section by its menu, and by its editor', async () => {
    await fieldMenu(`Move to ${OTHER}`);
    await shelf(OTHER).locator('.shelf-item', { hasText: FIELD }).waitFor();
    await announced(`“${FIELD}” moved`);
    assert.equal((await read()).sectionId, (await sections()).find((s) => s.name === OTHER).id);
    await item().click();
    await choose(/Section/, RENAMED);
    await save();
    await shelf(RENAMED).locator('.shelf-item', { hasText: FIELD }).waitFor();
    assert.equal((await read()).sectionId, (await sections()).find((s) => s.name === RENAMED).id);
  });

  test('a section is deleted after a question, and its fields stay', async () => {
    await sectionMenu(RENAMED, 'Delete');
    await page.getByText('Its fields stay, with all their values').waitFor();
    await assertAccessible(page, 'whether a section is deleted');
    await foot('Cancel').click();
    await closed();
    await shelf(RENAMED).waitFor();
    await sectionMenu(RENAMED, 'Delete');
    await foot('Delete').click();
    await page.getByText(`Section “${RENAMED}” deleted`).waitFor();
    await shelf(RENAMED).waitFor({ state: 'detached' });
    await shelf('Without a section').locator('.shelf-item', { hasText: FIELD }).waitFor();
    assert.equal((await read()).sectionId, null);
  });
});

test('a field is retired, and brought back from among the retired with its values', async () => {
  const { id } = await read();
  const value = async () => (await admin('GET', `${customerPath}/values`)).body.values.find((v) => v.fieldId === id)?.value;
  assert.equal(await value(), 'Guest 7');
  await fieldMenu('Retire');
  await item().waitFor({ state: 'detached' });
  assert.equal((await read()).retired, true);
  await page.getByRole('button', { name: /retired fields?$/ }).click();
  await page.getByText('Hidden everywhere.').waitFor();
  await assertAccessible(page, 'the retired fields');
  await page.getByRole('button', { name: `Restore: ${FIELD}` }).click();
  await item().waitFor();
  await page.getByText(`“${FIELD}” restored`).waitFor();
  assert.equal((await read()).retired, false);
  assert.equal(await value(), 'Guest 7');
});

for (const [width, colorScheme] of [[360, 'light'], [1280, 'dark']]) {
  test(`the editor of a field at ${width}px, ${colorScheme}: fits, without a violation`, async () => {
    const other = await newPage(browser, { width, height: 800, colorScheme });
    await other.goto(await ticketUrl('admin', '#/settings/customer'));
    await other.locator('.shelf-item', { hasText: FIELD }).click();
    await other.locator('.form .checkbox').first().waitFor();
    await assertFits(other, 'the editor of a field');
    await assertAccessible(other, 'the editor of a field');
    await foot('Cancel', other).click();
    await other.getByRole('button', { name: `Actions for section ${OTHER}` }).click();
    await other.getByRole('menuitem', { name: 'Rename section' }).click();
    await assertFits(other, 'the name of a section');
    assertClean(other);
    await other.context().close();
  });
}
