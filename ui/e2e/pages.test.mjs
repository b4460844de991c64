// Our own pages: customers, organizations and settings, by ticket, wide and narrow, light and dark.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { apiAs, assertAccessible, assertClean, assertFits, launch, newPage, ticketUrl, unique } from './demo.mjs';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

async function visit(role, hash, waitFor, options) {
  const page = await newPage(browser, options);
  await page.goto(await ticketUrl(role, hash));
  await page.locator(waitFor).first().waitFor();
  return page;
}

describe('customers and organizations', () => {
  test('the ticket leaves the address, works once, and the session outlives a reload', async () => {
    const url = await ticketUrl('agent', '#/customers');
    const page = await newPage(browser);
    await page.goto(url);
    await page.locator('.table-row').first().waitFor();
    assert.ok(!page.url().includes('ticket'));
    await page.reload();
    await page.locator('.table-row').first().waitFor();
    const other = await newPage(browser);
    await other.goto(url);
    await other.getByText('You are not signed in here').waitFor();
  });

  test('a customer is searched for, opened, and has a history', async () => {
    const page = await visit('agent', '#/customers', '.table-row');
    await assertAccessible(page, 'the customers');
    const name = (await page.locator('.cell-name bdi').first().innerText()).trim();
    await page.getByRole('searchbox').fill(name);
    await page.locator('.list-count', { hasText: /\d/ }).waitFor();
    await page.locator('.table-row', { hasText: name }).first().locator('.cell-name').click();
    await page.getByRole('heading', { level: 1, name }).waitFor();
    await page.getByRole('tab', { name: 'History' }).click();
    await page.locator('.history, .history-none').first().waitFor();
    await assertAccessible(page, 'a customer');
    assertClean(page);
  });

  test('a search that finds nothing says so', async () => {
    const page = await visit('agent', '#/customers', '.table-row');
    await page.getByRole('searchbox').fill('zzz-nobody-zzz');
    await page.getByText('No customer matches').waitFor();
    await assertAccessible(page, 'an empty search');
  });

  for (const [hash, wait] of [['#/customers', '.table-row'], ['#/organizations', '.table-row'], ['#/settings/customer', '.shelf'], ['#/settings/permissions', '.permission']]) {
    for (const [width, colorScheme] of [[360, 'light'], [320, 'dark'], [1280, 'dark']]) {
      test(`${hash} at ${width}px, ${colorScheme}: fits, without a violation`, async () => {
        const page = await visit('admin', hash, wait, { width, height: 800, colorScheme });
        await assertFits(page, hash);
        await assertAccessible(page, hash);
        assertClean(page);
      });
    }
  }
});

describe('settings', () => {
  const name = unique('Shoe size');
  let page;
  before(async () => {
    page = await visit('admin', '#/settings/customer', '.editor-head');
  });
  after(async () => {
    const admin = await apiAs('admin');
    const { body } = await admin('GET', '/fields?entity=customer');
    for (const f of body.items.filter((x) => x.name.startsWith('Shoe size'))) await admin('DELETE', `/fields/${f.id}`, undefined, { 'if-match': `"v${f.version}"` });
    assertClean(page);
  });
  const item = () => page.locator('.shelf-item', { hasText: name });

  test('a field without a name is refused, and the keyboard is where it is wrong', async () => {
    await page.locator('.editor-actions').getByRole('button', { name: 'Add field' }).click();
    await page.locator('.window-foot').getByRole('button', { name: 'Add' }).click();
    await page.getByText('Give the field a name.').waitFor();
    await assertAccessible(page, 'the field’s window with an error');
  });

  test('a choice with options is added', async () => {
    await page.getByRole('textbox', { name: /^Name/ }).fill(name);
    await page.locator('.form').getByRole('button', { name: /Type/ }).click();
    await page.getByRole('option', { name: 'Choice', exact: true }).click();
    for (const label of ['Small', 'Large']) {
      await page.getByRole('button', { name: 'Add option' }).click();
      await page.locator('.option input').last().fill(label);
    }
    await page.locator('.window-foot').getByRole('button', { name: 'Add' }).click();
    await item().waitFor();
  });

  test('an option is renamed and another retired', async () => {
    await item().click();
    await page.locator('.option input').first().fill('Tiny');
    await page.getByRole('button', { name: 'Retire option Large' }).click();
    await page.locator('.window-foot').getByRole('button', { name: 'Save' }).click();
    await page.locator('.dialog').waitFor({ state: 'detached' });
    await item().click();
    assert.equal(await page.locator('.option input').first().inputValue(), 'Tiny');
    await page.getByRole('button', { name: 'Restore option Large' }).waitFor();
    await page.keyboard.press('Escape');
  });

  test('it is moved by keyboard, and stays there after a reload', async () => {
    const order = () => page.locator('.shelf-list .shelf-name').allInnerTexts();
    const before = (await order()).indexOf(name);
    await item().getByRole('button', { name: /^Actions for/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: before === 0 ? 'Move down' : 'Move up' }).press('Enter');
    await page.getByTestId('announcer').getByText('moved').waitFor();
    const moved = (await order()).indexOf(name);
    await page.reload();
    await item().waitFor();
    assert.equal((await order()).indexOf(name), moved);
  });

  test('it is retired, and brought back', async () => {
    await item().getByRole('button', { name: /^Actions for/ }).click();
    await page.getByRole('menuitem', { name: 'Retire' }).click();
    await page.getByText(`“${name}” retired`).waitFor();
    await item().waitFor({ state: 'detached' });
    await assertAccessible(page, 'the flag');
    await page.getByRole('button', { name: 'Undo' }).click();
    await item().waitFor();
  });

  test('an agent who may not configure is told so', async () => {
    const agent = await visit('agent', '#/settings/customer', '.empty');
    await agent.getByText('You may not do this').waitFor();
  });
});
