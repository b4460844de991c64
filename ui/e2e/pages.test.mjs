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

  for (const role of ['agent', 'admin']) {
    test(`the navigation of ${role === 'agent' ? 'an agent' : 'an administrator'} stands in one line on the narrowest telephones`, async () => {
      const page = await visit(role, '#/customers', '.table-row', { width: 340, height: 700 });
      for (const width of [340, 360, 400, 480, 640]) {
        await page.setViewportSize({ width, height: 700 });
        const middles = await page.locator('.nav li a, .nav button').evaluateAll((all) => all.map((one) => {
          const { top, bottom, height } = one.getBoundingClientRect();
          return { name: one.textContent, middle: Math.round((top + bottom) / 2), height };
        }));
        assert.ok(middles.some(({ name }) => name === 'Sign out'));
        assert.ok(middles.every(({ middle, height }) => Math.abs(middle - middles[0].middle) <= 1 && height >= 24), `${width}px: ${JSON.stringify(middles)}`);
        await assertFits(page, `the navigation at ${width}px`);
      }
      assertClean(page);
    });
  }

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

describe('permissions', () => {
  const GROUP = 'service-agents';
  let admin;
  let page;
  let agent;
  const card = (permission) => page.getByRole('region', { name: permission, exact: true });
  const may = async () => (await (await apiAs('agent'))('GET', '/me')).body.permissions;
  const held = async () => (await admin('GET', '/settings/permissions')).body;
  /** What is seen at once is true once the server has answered. */
  const saved = async (act) => {
    const [answer] = await Promise.all([page.waitForResponse((one) => one.request().method() === 'PUT' && one.url().endsWith('/settings/permissions')), act()]);
    assert.equal(answer.status(), 200);
  };
  /** As the second person finds the page when they load it again. */
  const look = async (waitFor) => {
    await agent.reload();
    await agent.locator(waitFor).first().waitFor();
  };

  before(async () => {
    admin = await apiAs('admin');
    page = await visit('admin', '#/settings/permissions', '.permission');
    const { body } = await admin('GET', '/customers?limit=1');
    agent = await visit('agent', `#/customers/${encodeURIComponent(body.items[0].accountId)}`, '.person-name');
  });
  after(async () => {
    const { version, ...now } = await held();
    const everybody = { ...now, browse: [{ kind: 'agents' }], edit: [{ kind: 'agents' }] };
    if (JSON.stringify(now) !== JSON.stringify(everybody)) await admin('PUT', '/settings/permissions', everybody, { 'if-match': `"v${version}"` });
    assertClean(page);
    assertClean(agent);
  });

  test('editing is taken from all agents: a second person reads, and changes nothing any more', async () => {
    await agent.locator('[data-edit]').first().waitFor();
    await saved(() => card('Edit').getByRole('button', { name: /Remove All agents/ }).click());
    await page.getByTestId('announcer').getByText('Permissions saved').waitFor();
    await card('Edit').getByText('Nobody').waitFor();
    await assertAccessible(page, 'a permission that nobody holds');
    assert.deepEqual(await may(), ['browse']);
    await look('[data-field]');
    assert.equal(await agent.locator('[data-edit]').count(), 0, 'no pencil');
    assert.equal(await agent.getByRole('button', { name: 'New request' }).count(), 0);
    await assertAccessible(agent, 'a customer who may only be read');
  });

  test('a group is found and given it: whoever is in it edits again', async () => {
    await card('Edit').getByRole('combobox', { name: /Add to “Edit”/ }).fill(GROUP);
    await saved(() => page.getByRole('option', { name: GROUP }).click());
    await card('Edit').locator('.holder', { hasText: GROUP }).waitFor();
    await page.waitForFunction(() => document.querySelector('[aria-label="Edit"] .holder .tag-note')?.textContent === 'Group');
    assert.deepEqual((await held()).edit.map((holder) => holder.kind), ['group']);
    assert.deepEqual(await may(), ['browse', 'edit']);
    await look('[data-edit]');
  });

  test('browsing is taken by keyboard, which whoever may edit keeps until that is taken, too; then they are told whom to ask', async () => {
    await saved(async () => {
      await card('Browse').locator('.holder', { hasText: 'All agents' }).focus();
      await page.keyboard.press('Delete');
    });
    await card('Browse').getByText('Nobody').waitFor();
    await card('Edit').getByText('Whoever may edit may browse, too.').waitFor();
    assert.deepEqual(await may(), ['browse', 'edit']);
    await saved(() => card('Edit').getByRole('button', { name: `Remove ${GROUP}` }).click());
    assert.deepEqual(await may(), []);
    // A customer is then as one that is not there; the list says why.
    await look('.problem');
    await agent.getByText('There is nothing here, or nothing that you may see.').waitFor();
    await agent.getByRole('link', { name: 'All customers' }).click();
    await agent.getByText('Ask a Jira administrator for the permission.').waitFor();
    assert.equal(await agent.locator('.table-row').count(), 0);
    await assertAccessible(agent, 'what may not be read');
  });

  test('both are given back, and are there after a reload', async () => {
    for (const permission of ['Browse', 'Edit']) {
      await card(permission).getByRole('combobox', { name: /^Add to/ }).focus();
      await page.keyboard.type('All ag');
      await page.getByRole('option', { name: 'All agents' }).waitFor();
      await page.keyboard.press('ArrowDown');
      await saved(() => page.keyboard.press('Enter'));
    }
    await page.reload();
    for (const permission of ['Browse', 'Edit']) await card(permission).locator('.holder', { hasText: 'All agents' }).waitFor();
    assert.deepEqual(await may(), ['browse', 'edit']);
    await look('.table-row');
    await assertAccessible(page, 'the permissions');
  });
});
