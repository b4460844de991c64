// Where the server is, said by an administrator on the app's own page in Jira: changed, found wrong, and set right again.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { assertAccessible, assertClean, assertFits, launch, newPage, signIn, steward } from './demo.mjs';

let browser;
let page;
let stranger;

before(async () => {
  // Something that answers and is not Steward.
  stranger = createServer((_, response) => { response.writeHead(404, { 'content-type': 'text/html' }).end('<p>Nothing here</p>'); });
  await new Promise((resolve) => { stranger.listen(0, '127.0.0.1', resolve); });
  browser = await launch();
  page = await newPage(browser);
});
after(async () => {
  assertClean(page);
  await browser?.close();
  stranger?.close();
});

/** The app's page for administrators, and our frame in it. */
async function open(on = page) {
  await signIn(on, 'admin', '/jira/settings/apps');
  await on.locator('a[href$="/settings-page"]').first().click();
  const handle = await on.locator('[data-module="settings-page"] iframe').elementHandle();
  return handle.contentFrame();
}
const stands = (frame, state) => frame.locator(`.server [data-state="${state}"]`).waitFor();

/** Types an address, and answers what Jira asks. */
async function type(frame, address, answer = 'Allow') {
  await frame.getByRole('textbox', { name: /^Address/ }).fill(address);
  await frame.getByRole('button', { name: 'Save' }).click();
  if (answer) await page.getByRole('dialog', { name: /sends data/ }).getByRole('button', { name: answer }).click();
}

test('the page says that the site is joined', async () => {
  const frame = await open();
  await frame.getByRole('tab', { name: 'Server' }).click();
  await stands(frame, 'joined');
  assert.equal(await frame.getByRole('textbox', { name: /^Address/ }).inputValue(), steward);
  await assertAccessible(frame, 'the server');
  await assertFits(page, 'the server');
});

test('what is no address is said where it is', async () => {
  const frame = await open();
  await frame.getByRole('tab', { name: 'Server' }).click();
  for (const [address, says] of [['', 'Type the address'], ['http://steward.example.com', 'begin with https'], ['https://steward.example.com/jira', 'after the host name']]) {
    await type(frame, address, null);
    await frame.getByText(says).waitFor();
  }
});

test('Jira asks first, and nothing changes without a yes', async () => {
  const frame = await open();
  await frame.getByRole('tab', { name: 'Server' }).click();
  await type(frame, `http://127.0.0.1:${stranger.address().port}`, 'Cancel');
  await frame.getByText('Jira did not take it').waitFor();
  await stands(await (async () => { const again = await open(); await again.getByRole('tab', { name: 'Server' }).click(); return again; })(), 'joined');
});

test('another server is told from ours, and the way back is there', async () => {
  let frame = await open();
  await frame.getByRole('tab', { name: 'Server' }).click();
  await type(frame, `http://127.0.0.1:${stranger.address().port}`);
  await stands(frame, 'other');
  await assertAccessible(frame, 'another server');
  // Opened anew there is nobody to ask who is looking: the page is the form, and no more.
  frame = await open();
  await stands(frame, 'other');
  await assertAccessible(frame, 'the page without a server');
  await type(frame, steward);
  await frame.getByRole('tab', { name: 'Customer fields' }).or(frame.getByRole('tab').first()).first().waitFor();
});

test('at 360px, dark: fits, without a violation', async () => {
  const other = await newPage(browser, { width: 360, height: 800, colorScheme: 'dark' });
  const frame = await open(other);
  await frame.getByRole('tab', { name: 'Server' }).click();
  await stands(frame, 'joined');
  await assertAccessible(frame, 'the server');
  await assertFits(frame, 'the server');
  assertClean(other);
});
