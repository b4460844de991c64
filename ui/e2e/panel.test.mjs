// The panel beside an issue, in Jira's own page: read, edited in place, undone, restored, and fought over.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { apiAs, assertAccessible, assertClean, demo, jira, launch, makeFields, newPage, openPanel, panelFrame, signIn, unique } from './demo.mjs';

let browser;
let admin;
let made;
before(async () => {
  browser = await launch();
  admin = await apiAs('admin');
  made = await makeFields(admin, unique('Panel'), {
    text: { type: 'text', help: 'As on the badge.' }, longText: { type: 'longText' }, number: { type: 'number' }, date: { type: 'date' }, dateTime: { type: 'dateTime' }, boolean: { type: 'boolean' },
    select: { type: 'select', options: [{ label: 'Gold' }, { label: 'Silver' }] }, multiSelect: { type: 'multiSelect', options: [{ label: 'North' }, { label: 'South' }] },
    url: { type: 'url' }, email: { type: 'email' }, phone: { type: 'phone' }, contested: { type: 'text' },
  });
});
after(async () => {
  await made?.remove();
  await browser?.close();
});

const row = (frame, key) => frame.locator(`[data-field="${made.fields[key].id}"]`);

async function beginEdit(frame, key) {
  const unfold = frame.getByRole('button', { name: /^Show \d+ empty/ });
  if ((await row(frame, key).count()) === 0 && (await unfold.count()) > 0) await unfold.first().click();
  await row(frame, key).hover();
  await row(frame, key).locator('[data-edit]').click();
  await row(frame, key).locator('.field-editor').waitFor();
}

async function saved(frame, key, shown) {
  await row(frame, key).locator('.field-saved').waitFor();
  assert.match((await row(frame, key).locator('.field-content').innerText()).trim(), shown);
}

describe('the issue panel', () => {
  let page;
  let frame;
  before(async () => {
    page = await newPage(browser, { width: 1400, height: 1000 });
    frame = await openPanel(page);
  });
  after(() => assertClean(page));

  test('shows the person and their requests, without a violation', async () => {
    assert.notEqual((await frame.locator('.person-name').innerText()).trim(), '');
    const count = frame.locator('.count').first();
    await count.waitFor();
    const leads = await count.evaluate((element) => (element.closest('a') ?? element.querySelector('a'))?.getAttribute('href') ?? '');
    assert.match(decodeURIComponent(leads), /jql=.*reporter/, 'a count leads to the requests that it counts');
    await assertAccessible(frame, 'the panel');
  });

  const typed = [['text', 'Ævar', /^Ævar$/], ['number', '12.5', /^12[.,]5$/], ['url', 'https://example.com/a', /example\.com\/a/], ['email', 'ana@example.com', /ana@example\.com/], ['phone', '+49 30 1234', /\+49 ?30 ?1234/]];
  for (const [key, text, shown] of typed) {
    test(`${key}: Enter saves, and it is still there after a reload`, async () => {
      await beginEdit(frame, key);
      await page.keyboard.type(text);
      await page.keyboard.press('Enter');
      await saved(frame, key, shown);
      await page.reload();
      frame = await panelFrame(page);
      assert.match((await row(frame, key).locator('.field-content').innerText()).trim(), shown);
    });
  }

  test('longText: Enter makes a line, Ctrl+Enter saves', async () => {
    await beginEdit(frame, 'longText');
    await page.keyboard.type('one');
    await page.keyboard.press('Enter');
    await page.keyboard.type('two');
    await page.keyboard.press('Control+Enter');
    await saved(frame, 'longText', /^one\ntwo$/);
  });

  test('date and date-time are typed by segment', async () => {
    for (const [key, digits, shown] of [['date', '31012027', /31 Jan 2027|Jan 31, 2027|31\.0?1\.2027/], ['dateTime', '310120271430', /2027/]]) {
      await beginEdit(frame, key);
      // Month first or day first is the reader's locale; both 31 and 01 fit only one order.
      const first = await row(frame, key).locator('[role="spinbutton"]').first().getAttribute('data-type');
      await page.keyboard.type(first === 'month' ? digits.replace(/^3101/, '0131') : digits);
      await page.keyboard.press('Enter');
      await saved(frame, key, shown);
    }
  });

  test('boolean, choice and several choices', async () => {
    await beginEdit(frame, 'boolean');
    await row(frame, 'boolean').getByText('Yes', { exact: true }).click();
    await row(frame, 'boolean').getByRole('button', { name: 'Save' }).click();
    await saved(frame, 'boolean', /^Yes$/);
    await beginEdit(frame, 'select');
    await frame.getByRole('option', { name: 'Silver' }).click();
    await saved(frame, 'select', /^Silver$/);
    await beginEdit(frame, 'multiSelect');
    await row(frame, 'multiSelect').getByText('North').click();
    await row(frame, 'multiSelect').getByText('South').click();
    await row(frame, 'multiSelect').getByRole('button', { name: 'Save' }).click();
    await saved(frame, 'multiSelect', /North\s+South/);
  });

  test('what is wrong is said, and Esc leaves the value as it was', async () => {
    const was = await row(frame, 'email').locator('.field-content').innerText();
    await beginEdit(frame, 'email');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('nobody');
    await page.keyboard.press('Enter');
    await row(frame, 'email').locator('.control-error').waitFor();
    await assertAccessible(frame, 'an editor with an error');
    await page.keyboard.press('Escape');
    assert.equal(await row(frame, 'email').locator('.field-content').innerText(), was);
  });

  test('a save is undone, by keyboard alone', async () => {
    await row(frame, 'text').locator('[data-edit]').focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('Wrong');
    await page.keyboard.press('Enter');
    await saved(frame, 'text', /^Wrong$/);
    assert.equal(await frame.evaluate(() => document.activeElement?.hasAttribute('data-edit')), true);
    await row(frame, 'text').getByRole('button', { name: 'Undo' }).focus();
    await page.keyboard.press('Enter');
    await row(frame, 'text').locator('.field-content', { hasText: /^Ævar$/ }).waitFor();
  });

  test('two people write one value: the second is shown what the first wrote, and chooses', async () => {
    const { body: me } = await admin('GET', '/me');
    const name = await frame.locator('.person-name').innerText();
    const { body: found } = await admin('GET', `/customers?query=${encodeURIComponent(name.trim())}`);
    const { accountId } = found.items.find((c) => c.displayName === name.trim());
    const path = `/customers/${encodeURIComponent(accountId)}/values/${made.fields.contested.id}`;
    const theirs = async (value) => {
      const { body: set } = await admin('GET', `/customers/${encodeURIComponent(accountId)}/values`);
      const version = set.values.find((v) => v.fieldId === made.fields.contested.id)?.version ?? 0;
      const written = await admin('PUT', path, { value }, { 'if-match': `"v${version}"` });
      assert.equal(written.status, 200, JSON.stringify(written.body));
    };
    const stands = async () => (await admin('GET', `/customers/${encodeURIComponent(accountId)}/values`)).body.values.find((v) => v.fieldId === made.fields.contested.id).value;

    await beginEdit(frame, 'contested');
    await page.keyboard.type('mine');
    await theirs('theirs');
    await page.keyboard.press('Enter');
    const notice = row(frame, 'contested').locator('.conflict');
    await notice.waitFor();
    assert.match(await notice.innerText(), /theirs[\s\S]*mine/);
    assert.ok((await notice.innerText()).includes(me.displayName));
    await assertAccessible(frame, 'a conflict');
    assert.equal(await stands(), 'theirs');
    await notice.getByRole('button', { name: 'Write mine' }).click();
    await saved(frame, 'contested', /^mine$/);
    assert.equal(await stands(), 'mine');

    await beginEdit(frame, 'contested');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('mine again');
    await theirs('theirs again');
    await page.keyboard.press('Enter');
    await row(frame, 'contested').locator('.conflict').waitFor();
    await row(frame, 'contested').getByRole('button', { name: 'Keep theirs' }).click();
    await row(frame, 'contested').locator('.field-content', { hasText: /^theirs again$/ }).waitFor();
    assert.equal(await stands(), 'theirs again');
  });

  test('the history of a field is shown, and an older value restored', async () => {
    await row(frame, 'contested').hover();
    await row(frame, 'contested').getByRole('button', { name: /^Actions for/ }).click();
    await frame.getByRole('menuitem', { name: 'History' }).click();
    await frame.locator('.history-entry').first().waitFor();
    await assertAccessible(frame, 'the history');
    const oldest = frame.locator('.history-entry', { hasText: /After\s*mine(?! again)/ }).first();
    await oldest.getByRole('button', { name: /^Restore/ }).click();
    await frame.locator('.history-entry').first().getByText('restored').waitFor();
    await page.keyboard.press('Escape');
    await row(frame, 'contested').locator('.field-content', { hasText: /^mine$/ }).waitFor();
  });
});

test('the panel in the dark is without a violation too', async () => {
  const page = await newPage(browser, { width: 1400, height: 1000, colorScheme: 'dark' });
  await assertAccessible(await openPanel(page), 'the dark panel');
  assertClean(page);
});

test('the panel says which language somebody speaks, and what time it is where they are', async () => {
  const { email, apiToken } = demo.users.agent;
  const jql = encodeURIComponent('reporter IS NOT EMPTY ORDER BY created DESC');
  const headers = { authorization: `Basic ${Buffer.from(`${email}:${apiToken}`).toString('base64')}` };
  const asked = await fetch(`${jira}/rest/api/3/search/jql?fields=reporter&maxResults=100&jql=${jql}`, { headers });
  // In Jira's own page the reader's language is the one that they chose there.
  const reads = (await (await fetch(`${jira}/rest/api/3/myself`, { headers })).json()).locale.replaceAll('_', '-');
  const agent = await apiAs('agent');
  const here = (await agent('GET', '/me')).body.timeZone;
  // Somebody whose clock shows another hour than the reader's.
  const hour = (timeZone) => new Intl.DateTimeFormat('en-GB', { hour: '2-digit', timeZone }).format(new Date());
  let found;
  for (const { key } of (await asked.json()).issues) {
    const { selected } = (await agent('GET', `/panel?issue=${key}`)).body;
    if (selected?.locale && selected.localTimeZone && hour(selected.localTimeZone) !== hour(here)) found = { key, ...selected };
    if (found) break;
  }
  assert.ok(found, 'a request of somebody whose language and time zone Jira tells');
  const page = await newPage(browser, { width: 1400, height: 1000 });
  await signIn(page, 'agent', `/browse/${found.key}`);
  const frame = await panelFrame(page);
  const facts = frame.locator('.person-facts');
  await facts.waitFor();
  const language = new Intl.DisplayNames([reads], { type: 'language', languageDisplay: 'standard' }).of(found.locale.replaceAll('_', '-'));
  await facts.getByText(language, { exact: true }).waitFor();
  const city = found.localTimeZone.split('/').at(-1).replaceAll('_', ' ');
  const clock = (at) => new Intl.DateTimeFormat(reads, { timeStyle: 'short', timeZone: found.localTimeZone }).format(at);
  const before = clock(new Date(Date.now() - 60_000));
  const shown = await facts.locator('dd', { hasText: city }).innerText();
  // The clock may pass a minute while it is looked at.
  assert.ok([before, clock(new Date())].some((time) => shown.includes(`${time}, ${city}`)), `${shown} in ${found.localTimeZone}`);
  await assertAccessible(frame, 'the panel of somebody elsewhere');
  assertClean(page);
});
