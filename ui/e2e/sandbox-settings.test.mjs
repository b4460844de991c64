// The sandbox's own settings: a delivery seen and sent again, a person added and renamed, a project's page; for administrators alone.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { assertAccessible, assertClean, assertFits, demo, jira, launch, newPage, signIn, unique } from './demo.mjs';

const HERE = '/sandbox/settings';
let browser, receiver;
const got = [];
before(async () => {
  browser = await launch();
  receiver = createServer((request, answer) => {
    let body = '';
    request.on('data', (part) => { body += part; });
    request.on('end', () => { got.push({ headers: request.headers, body: JSON.parse(body) }); answer.end('heard'); });
  });
  await new Promise((done) => { receiver.listen(0, '127.0.0.1', done); });
});
after(async () => { await browser?.close(); receiver?.close(); });

const REST = { 'content-type': 'application/json', authorization: `Basic ${Buffer.from(`${demo.users.admin.email}:${demo.users.admin.apiToken}`).toString('base64')}` };
async function rest(method, path, body) {
  const answer = await fetch(`${jira}${path}`, { method, headers: REST, ...(body ? { body: JSON.stringify(body) } : {}) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}

test('a person is added and renamed, seen by the API; the delivery of it is looked at and sent again', async () => {
  const url = `http://127.0.0.1:${receiver.address().port}/hook`;
  const hook = await rest('POST', '/rest/webhooks/1.0/webhook', { name: unique('Hook'), url, events: ['user_created', 'user_updated'] });
  const page = await newPage(browser);
  await signIn(page, 'admin', '/jira/projects');
  await page.getByRole('link', { name: 'Sandbox' }).click();
  await page.getByRole('heading', { level: 1, name: 'Deliveries' }).waitFor();
  await page.getByRole('navigation', { name: 'Sandbox' }).getByRole('link', { name: 'People' }).click();

  // First without an address, then well.
  const name = unique('Nora Neu');
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('E-mail address').fill('nora@x');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.getByRole('alert').waitFor();
  assert.match(await page.getByRole('alert').innerText(), /no e-mail address/);
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), name);
  const email = `${name.replaceAll(' ', '.').toLowerCase()}@example.com`;
  await page.getByLabel('E-mail address').fill(email);
  await page.getByRole('button', { name: 'Add' }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
  await page.getByLabel('Name', { exact: true }).fill(`${name} II`);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { level: 1, name: `${name} II` }).waitFor();
  await assertAccessible(page, 'a person');
  const id = await page.locator('dd code').first().innerText();
  const person = await rest('GET', `/rest/api/3/user?accountId=${encodeURIComponent(id)}`);
  assert.equal(person.displayName, `${name} II`);

  for (let tries = 0; got.length < 2 && tries < 100; tries += 1) await new Promise((done) => { setTimeout(done, 100); });
  assert.deepEqual(got.map((one) => one.body.webhookEvent).sort(), ['user_created', 'user_updated']);
  await page.goto(`${jira}${HERE}/deliveries`);
  const row = page.getByRole('listitem').filter({ hasText: 'user_updated' }).first();
  await row.getByRole('link').click();
  await page.getByText('bytes, as they were made').click();
  assert.match(await page.locator('pre').last().innerText(), /"webhookEvent": "user_updated"/);
  await assertAccessible(page, 'a delivery');
  await page.getByRole('button', { name: 'Send again' }).click();
  await page.getByText('Sent once more.').waitFor();
  for (let tries = 0; got.length < 3 && tries < 100; tries += 1) await new Promise((done) => { setTimeout(done, 100); });
  assert.equal(got.length, 3);
  assert.equal(got[2].headers['x-atlassian-webhook-identifier'], got.find((one) => one.body.webhookEvent === 'user_updated').headers['x-atlassian-webhook-identifier']);
  assertClean(page);

  await rest('DELETE', new URL(hook.self).pathname);
  await page.goto(`${jira}${HERE}/people/${encodeURIComponent(id)}`);
  await page.getByRole('button', { name: 'Deactivate' }).click();
  await page.getByText('They can no longer sign in.').waitFor();
});

for (const [width, colorScheme] of [[390, 'dark'], [1280, 'light']]) {
  test(`the pages at ${width}px, ${colorScheme}`, async () => {
    const page = await newPage(browser, { width, height: 900, colorScheme });
    await signIn(page, 'admin', '/jira/projects');
    const look = async (path, heading) => {
      await page.goto(`${jira}${HERE}/${path}`);
      await page.getByRole('heading', { level: 1, name: heading }).waitFor();
      if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/settings-${path.replaceAll('/', '-')}-${width}.png`, fullPage: true });
      await assertFits(page, path);
      await assertAccessible(page, `${path} at ${width}px`);
    };
    await look('deliveries', 'Deliveries');
    await look('people', 'People');
    await look('groups', 'Groups');
    await look('projects', 'Projects and desks');
    const key = (await page.getByRole('listitem').filter({ hasText: 'desk' }).getByRole('link').first().getAttribute('href')).split('/').pop();
    await look(`projects/${key}`, /./);
    await page.goto(`${jira}${HERE}/people`);
    const person = (await page.locator('.rows a').first().getAttribute('href')).split('/').pop();
    await look(`people/${person}`, /./);
    assertClean(page);
  });
}

test('an agent may not', async () => {
  const page = await newPage(browser);
  for (const [path, told] of [['deliveries', 'see deliveries'], ['people', 'manage people'], ['groups', 'manage groups'], ['projects', 'manage projects']]) {
    await signIn(page, 'agent', `${HERE}/${path}`);
    await page.getByRole('heading', { name: `You can’t ${told}` }).waitFor();
  }
  await page.goto(`${jira}/jira/projects`);
  assert.equal(await page.getByRole('link', { name: 'Sandbox' }).count(), 0);
});
