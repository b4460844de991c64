// Webhooks in the settings: none, named, tried out against a receiver on this machine, seen to fail, sent again, removed.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { apiAs, assertAccessible, assertClean, assertFits, launch, newPage, ticketUrl, unique } from './demo.mjs';

const name = unique('CRM');
let browser;
let page;
let receiver;
/** What the receiver got, and what it answers. */
const got = [];
let status = 204;
let told = () => {};

async function visit(options) {
  const opened = await newPage(browser, options);
  await opened.goto(await ticketUrl('admin', '#/settings/webhooks'));
  await opened.locator('.tokens').waitFor();
  return opened;
}

const item = () => page.locator('.token', { hasText: name });
const menu = async (entry) => {
  await page.getByRole('button', { name: `Actions for ${name}` }).click();
  await page.getByRole('menuitem', { name: entry }).click();
};
/** The next message that arrives; asked for before what sends it. */
const next = () => new Promise((resolve, reject) => {
  const late = setTimeout(() => reject(new Error('no message arrived within 30 s')), 30_000);
  told = (message) => { clearTimeout(late); resolve(message); };
});

before(async () => {
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => { body += piece; });
    request.on('end', () => {
      got.push({ headers: request.headers, body: JSON.parse(body) });
      response.writeHead(status).end();
      told(got.at(-1));
    });
  });
  await new Promise((resolve) => { receiver.listen(0, '127.0.0.1', resolve); });
  browser = await launch();
  page = await visit();
});
after(async () => {
  const admin = await apiAs('admin');
  const { body } = await admin('GET', '/webhooks');
  for (const w of body.items.filter((w) => w.name === name)) await admin('DELETE', `/webhooks/${w.id}`, undefined, { 'if-match': `"v${w.version}"` });
  assertClean(page);
  await browser?.close();
  receiver?.close();
});

test('without any, the page says what they are for', async () => {
  await page.getByText('No webhook yet').waitFor();
  await assertAccessible(page, 'settings without webhooks');
});

test('what is missing is said where it is', async () => {
  await page.getByRole('button', { name: 'Add webhook' }).first().click();
  await page.locator('.window-foot').getByRole('button', { name: 'Add' }).click();
  await page.getByText('Give the webhook a name.').waitFor();
  await page.getByText('Write an address that begins with').waitFor();
  await assertAccessible(page, 'the window with errors');
});

test('an address that is not called is refused where it is', async () => {
  await page.getByRole('textbox', { name: /^Name/ }).fill(name);
  await page.getByRole('textbox', { name: /^Address/ }).fill('https://10.0.0.8/in');
  await page.locator('.window-foot').getByRole('button', { name: 'Add' }).click();
  await page.getByText('Private networks are not called').waitFor();
});

test('one is named, and its secret can be copied once', async () => {
  await page.getByRole('textbox', { name: /^Address/ }).fill(`http://127.0.0.1:${receiver.address().port}/in`);
  await page.locator('.window-foot').getByRole('button', { name: 'Add' }).click();
  const secret = await page.locator('.secret-text').innerText();
  assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  await assertAccessible(page, 'the window with the secret');
  await page.getByRole('button', { name: 'Done' }).click();
  await item().waitFor();
  assert.ok(!(await page.content()).includes(secret), 'the secret is gone from the page');
});

test('a test message arrives, and the log says so', async () => {
  const arrives = next();
  await menu('Send test message');
  const message = await arrives;
  assert.equal(message.body.type, 'webhook.test');
  assert.match(message.headers['webhook-signature'], /^v1,/);
  const log = page.getByRole('dialog', { name: 'Deliveries' });
  await log.locator('.delivery .lozenge', { hasText: /^Delivered$/ }).waitFor();
  await assertAccessible(page, 'the log');
  const comes = next();
  await log.getByRole('button', { name: /^Send again/ }).first().click();
  await comes;
  await page.getByRole('button', { name: 'Close' }).first().click();
});

test('what is not taken is shown, and why', async () => {
  status = 500;
  const arrives = next();
  await menu('Send test message');
  await arrives;
  await page.getByText('Answered 500').first().waitFor();
  await page.getByRole('button', { name: 'Send days again' }).click();
  await page.getByText('Those that did not arrive').waitFor();
  await assertAccessible(page, 'sending days again');
  status = 200;
  const again = next();
  await page.locator('.form.card').getByRole('button', { name: 'Send again' }).click();
  await page.getByText('On its way again').first().waitFor();
  assert.equal((await again).body.type, 'webhook.test');
  status = 500;
  const last = next();
  await page.getByRole('dialog', { name: 'Deliveries' }).getByRole('button', { name: /^Send again/ }).first().click();
  await last;
  await page.getByRole('button', { name: 'Close' }).first().click();
  await item().getByText('Not answering').waitFor();
});

for (const [width, colorScheme] of [[360, 'light'], [320, 'dark'], [1280, 'dark']]) {
  test(`at ${width}px, ${colorScheme}: fits, without a violation`, async () => {
    const other = await visit({ width, height: 800, colorScheme });
    await other.locator('.token', { hasText: name }).waitFor();
    await assertFits(other, 'webhooks');
    await assertAccessible(other, 'webhooks');
    await other.getByRole('button', { name: `Deliveries of ${name}` }).click();
    await other.locator('.delivery').first().waitFor();
    await assertFits(other, 'the log');
    await assertAccessible(other, 'the log');
    assertClean(other);
  });
}

test('a receiver that says it is gone is switched off, and every page of the settings says so until it is back', async () => {
  status = 410;
  const arrives = next();
  await menu('Send test message');
  await arrives;
  await page.getByRole('button', { name: 'Close' }).first().click();
  const notice = page.locator('.page-notice', { hasText: 'A webhook was switched off because nothing reached it' });
  // What became of the message is written after it was answered.
  for (let tries = 0; tries < 20 && (await item().getByText('Switched off: not answering').count()) === 0; tries += 1) {
    await page.reload();
    await item().waitFor();
  }
  await item().getByText('Switched off: not answering').waitFor();
  await notice.getByText(name).waitFor();
  assert.equal(await notice.getByRole('button').count(), 0, 'this is where to look');
  await assertAccessible(page, 'a webhook that was switched off');
  for (const [width, colorScheme] of [[360, 'light'], [1280, 'dark']]) {
    const other = await newPage(browser, { width, height: 800, colorScheme });
    await other.goto(await ticketUrl('admin', '#/settings/customer'));
    const told = other.locator('.page-notice', { hasText: name });
    await told.waitFor();
    await assertFits(other, 'the notice of a webhook');
    await assertAccessible(other, 'the notice of a webhook');
    await told.getByRole('button', { name: 'Look at it' }).click();
    await other.locator('.token', { hasText: name }).getByText('Switched off: not answering').waitFor();
    assert.match(other.url(), /#\/settings\/webhooks$/);
    assertClean(other);
    await other.context().close();
  }
  status = 204;
  await item().getByRole('button', { name: 'Switch on' }).click();
  await item().getByText('Switched off: not answering').waitFor({ state: 'detached' });
  await notice.waitFor({ state: 'detached' });
});

test('it is switched off and on, and deleted after a question', async () => {
  status = 204;
  await menu('Switch off');
  await item().getByText('Off', { exact: true }).waitFor();
  await item().getByRole('button', { name: 'Switch on' }).click();
  await item().getByText('Off', { exact: true }).waitFor({ state: 'detached' });
  await menu('Delete');
  await page.locator('.window-foot').getByRole('button', { name: 'Delete' }).click();
  await page.getByText(`“${name}” deleted`).waitFor();
  await item().waitFor({ state: 'detached' });
});
