// Values on issues: a field is chosen on the page, a value changes, and JQL finds the request in Jira; wide and narrow, light and dark.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { apiAs, assertAccessible, assertClean, assertFits, demo, jira, launch, newPage, ticketUrl, unique } from './demo.mjs';

const SHOTS = process.env.STEWARD_SHOTS;
const name = unique('Support tier');
let browser;
let page;
let admin;
let field;
let account;
let alias;

async function visit(options) {
  const opened = await newPage(browser, options);
  await opened.goto(await ticketUrl('admin', '#/settings/in-jira'));
  await opened.locator('.tokens').first().waitFor();
  return opened;
}

const shot = async (opened, what) => { if (SHOTS) await opened.screenshot({ path: `${SHOTS}/${what}.png`, fullPage: true }); };
const item = (opened = page) => opened.locator('.token', { hasText: name });

/** What an agent finds in Jira. */
async function found(jql) {
  const asAgent = await jiraAs('agent');
  return (await asAgent('POST', '/rest/api/3/search/jql', { jql, fields: ['summary'], maxResults: 100 })).issues.map((issue) => issue.key);
}

/** Jira itself, as somebody of the demo. */
async function jiraAs(who) {
  const { email, apiToken } = demo.users[who];
  const authorization = `Basic ${Buffer.from(`${email}:${apiToken}`).toString('base64')}`;
  return async (method, path, body) => {
    const answer = await fetch(`${jira}${path}`, { method, headers: { 'content-type': 'application/json', authorization }, ...(body ? { body: JSON.stringify(body) } : {}) });
    assert.ok(answer.ok, `${path}: ${await answer.clone().text()}`);
    return answer.json();
  };
}

/** Asks until it is so: search lags behind. */
async function until(what, holds) {
  const end = Date.now() + 60_000;
  for (;;) {
    const got = await what();
    if (holds(got)) return got;
    assert.ok(Date.now() < end, `it never came: ${JSON.stringify(got)}`);
    await new Promise((resolve) => { setTimeout(resolve, 250); });
  }
}

async function writes(value) {
  const agent = await apiAs('agent');
  const { body } = await agent('GET', `/customers/${account}/values`);
  const version = body.values.find((one) => one.fieldId === field.id)?.version ?? 0;
  const { status, body: said } = await agent('PUT', `/customers/${account}/values/${field.id}`, { value }, { 'if-match': `"v${version}"` });
  assert.equal(status, 200, JSON.stringify(said));
}

before(async () => {
  browser = await launch();
  admin = await apiAs('admin');
  ({ body: field } = await admin('POST', '/fields', { entity: 'customer', type: 'text', name, audience: 'customerView' }));
  const customer = await apiAs('customer');
  account = (await customer('GET', '/me')).body.accountId;
  await writes('Gold');
  page = await visit();
});
after(async () => {
  const { etag } = await admin('GET', `/fields/${field.id}`);
  await admin('DELETE', `/fields/${field.id}`, undefined, { 'if-match': etag });
  assertClean(page);
  await browser?.close();
});

test('the page says who will read it, and offers what may be read', async () => {
  await page.getByText('Whoever may read a request in Jira can read its values there').waitFor();
  await assertAccessible(page, 'nothing on issues');
  await shot(page, 'empty');
});

test('a field is chosen, and JQL finds the requests of its customer', async () => {
  await page.getByRole('button', { name: /Field/ }).first().click();
  await page.getByRole('option', { name }).click();
  await page.getByRole('button', { name: 'Add field' }).click();
  await page.getByText('Its values will be readable by everybody').waitFor();
  await shot(page, 'question');
  await page.getByRole('button', { name: 'Write onto issues' }).click();
  await item().waitFor();
  const { body } = await admin('GET', '/settings/in-jira');
  ({ alias } = body.fields.find((one) => one.fieldId === field.id));
  await item().getByText(alias).waitFor();
  const keys = await until(() => found(`${alias} = Gold`), (all) => all.length > 0);
  await page.getByText(/Jira has the values of all/).waitFor({ timeout: 60_000 });
  await assertAccessible(page, 'a field on issues');
  await shot(page, 'chosen');
  await writes('Platinum');
  // The first search may have been before the last of them was indexed.
  await until(() => found(`${alias} = Platinum`), (all) => keys.every((key) => all.includes(key)));
  await until(() => found(`${alias} = Gold`), (all) => all.length === 0);
});

test('a field is copied into Jira’s own when a request is made', async () => {
  const add = page.getByRole('region', { name: 'Copied when a request is made' });
  await add.getByRole('button', { name: /Copy the field/ }).click();
  await page.getByRole('option', { name }).click();
  await add.getByRole('button', { name: /Into the field in Jira/ }).click();
  await page.getByRole('option', { name: /^Contract text/ }).click();
  await add.getByRole('button', { name: 'Copy from now on' }).click();
  await page.getByText('Everybody who may read the requests in Jira will read the values there').waitFor();
  await page.getByRole('alertdialog').or(page.getByRole('dialog')).getByRole('button', { name: 'Copy from now on' }).click();
  await add.getByText(/Requests made since/).waitFor();
  await assertAccessible(page, 'a field that is copied');
  await shot(page, 'copied');
  const asAgent = await jiraAs('agent');
  const { values: [desk] } = await asAgent('GET', '/rest/servicedeskapi/servicedesk');
  const { values: types } = await asAgent('GET', `/rest/servicedeskapi/servicedesk/${desk.id}/requesttype`);
  const made = await asAgent('POST', '/rest/servicedeskapi/request', {
    serviceDeskId: desk.id, requestTypeId: types[0].id, requestFieldValues: { summary: 'The contract is to be copied', description: 'When it is made.' }, raiseOnBehalfOf: account,
  });
  const contract = (await asAgent('GET', '/rest/api/3/field')).find((one) => one.name === 'Contract');
  const { fields } = await until(() => asAgent('GET', `/rest/api/3/issue/${made.issueKey}?fields=${contract.id}`), (issue) => issue.fields[contract.id] !== null);
  assert.equal(fields[contract.id], 'Platinum');
  await add.getByRole('button', { name: `Stop copying ${name}` }).click();
  await page.getByRole('alertdialog').or(page.getByRole('dialog')).getByRole('button', { name: 'Stop copying', exact: true }).click();
  await add.getByText('Nothing is copied yet').waitFor();
});

test('it fits a narrow window, also in the dark', async () => {
  const narrow = await visit({ width: 375, height: 800, colorScheme: 'dark' });
  await item(narrow).waitFor();
  await assertFits(narrow, 'what stands on issues');
  await assertAccessible(narrow, 'what stands on issues, dark and narrow');
  await shot(narrow, 'narrow-dark');
  assertClean(narrow);
});

test('it is removed, and Jira finds nothing more', async () => {
  await page.getByRole('button', { name: `Remove ${name} from issues` }).click();
  await page.getByRole('alertdialog').or(page.getByRole('dialog')).getByRole('button', { name: 'Remove', exact: true }).click();
  await item().waitFor({ state: 'detached' });
  await until(() => found(`${alias} = Platinum`), (all) => all.length === 0);
});
