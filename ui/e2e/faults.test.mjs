// Faults on command, from a page of the sandbox: set, seen by a call, taken away; mistakes told by field; for administrators alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAccessible, assertClean, assertFits, jira, launch, newPage, signIn } from './demo.mjs';

const HERE = '/sandbox/settings/faults';
// Nothing else of these tests asks this path.
const PATH = '/rest/api/3/label';
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

const status = async () => (await fetch(`${jira}${PATH}`)).status;

test('an administrator sets a fault, sees a call fail, and takes it away', async () => {
  const page = await newPage(browser);
  await signIn(page, 'admin', HERE);
  await page.getByRole('heading', { level: 1, name: 'Faults' }).waitFor();
  const usual = await status();
  assert.notEqual(usual, 502);

  await page.getByLabel('Of paths that begin so only').fill(PATH);
  await page.getByLabel('Error: status').selectOption('502');
  await page.getByRole('button', { name: 'Put in force' }).click();
  const rule = page.locator('.in-force', { hasText: PATH });
  await rule.waitFor();
  assert.match(await rule.innerText(), /Error 502: every method, .*struck 0 of 0/s);
  assert.equal(await status(), 502);
  await page.reload();
  assert.match(await rule.innerText(), /struck 1 of 1/);
  await assertAccessible(page, 'faults in force');

  await rule.getByRole('button', { name: /Take away/ }).click();
  await page.waitForFunction((path) => !document.body.innerText.includes(path), PATH);
  assert.equal(await status(), usual);
  assertClean(page);
});

test('what is wrong is told by its field, and nothing is changed', async () => {
  const page = await newPage(browser);
  await signIn(page, 'admin', HERE);
  await page.getByLabel('Of paths that begin so only').fill(PATH);
  await page.getByLabel('Error: status').selectOption('500');
  await page.getByLabel('How probable for each (0 to 1)').fill('7');
  await page.getByRole('button', { name: 'Put in force' }).click();
  const told = page.getByRole('alert');
  await told.waitFor();
  assert.match(await told.innerText(), /Nothing was changed[\s\S]*chance/);
  assert.equal(await page.getByLabel('How probable for each (0 to 1)').inputValue(), '7');
  assert.notEqual(await status(), 500);
  assertClean(page);
});

for (const [width, colorScheme] of [[390, 'dark'], [1280, 'light']]) {
  test(`the page at ${width}px, ${colorScheme}`, async () => {
    const page = await newPage(browser, { width, height: 900, colorScheme });
    await signIn(page, 'admin', HERE);
    await page.getByRole('heading', { level: 1, name: 'Faults' }).waitFor();
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/faults-${width}-${colorScheme}.png`, fullPage: true });
    await assertFits(page);
    await assertAccessible(page, `faults at ${width}px`);
    assertClean(page);
  });
}

test('an agent may not, and a form from elsewhere does nothing', async () => {
  const page = await newPage(browser);
  await signIn(page, 'agent', HERE);
  await page.getByRole('heading', { name: 'You can’t set faults' }).waitFor();
  await signIn(page, 'admin', HERE);
  const forged = await page.request.post(`${jira}${HERE}`, { form: { act: 'add', do: 'error', status: '500', path: PATH, _token: 'x' } });
  assert.equal(forged.status(), 403);
  assert.notEqual(await status(), 500);
});
