// Customers, organizations, members and requests made from the lists: by administrators and agents, in Jira at once.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { apiAs, assertAccessible, assertClean, assertFits, demo, jira, launch, newPage, ticketUrl, unique } from './demo.mjs';

const name = unique('Ada');
const email = `${name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')}@lovelace.example`;
const company = unique('Analytical');
let browser;
let admin;
let agent;

async function visit(role, hash, options) {
  const page = await newPage(browser, options);
  await page.goto(await ticketUrl(role, hash));
  return page;
}
const foot = (page, text) => page.locator('.window-foot').getByRole('button', { name: text });

before(async () => {
  browser = await launch();
  admin = await visit('admin', '#/customers');
  agent = await visit('agent', '#/organizations');
});
after(async () => {
  assertClean(admin);
  assertClean(agent);
  await browser?.close();
});

test('what is missing or wrong is said where it is', async () => {
  await admin.getByRole('button', { name: 'Add customer' }).click();
  await foot(admin, 'Add customer').click();
  await admin.getByText('Type a name.').waitFor();
  await admin.getByText('Type an e-mail address.').waitFor();
  await admin.getByRole('textbox', { name: /^Name/ }).fill(name);
  await admin.getByRole('textbox', { name: /^E-mail/ }).fill('no address');
  await foot(admin, 'Add customer').click();
  await admin.getByText('An e-mail address is written').waitFor();
  await assertAccessible(admin, 'adding a customer');
});

test('an administrator adds a customer, who is found at once', async () => {
  await admin.getByRole('textbox', { name: /^E-mail/ }).fill(email);
  await foot(admin, 'Add customer').click();
  await admin.getByText(`“${name}” added`).waitFor();
  await admin.getByRole('button', { name: 'Open', exact: true }).click();
  await admin.locator('.person-name', { hasText: name }).waitFor();
});

test('an address that somebody has leads to who has it', async () => {
  await admin.getByRole('link', { name: 'All customers' }).click();
  await admin.getByRole('button', { name: 'Add customer' }).click();
  await admin.getByRole('textbox', { name: /^Name/ }).fill('Somebody else');
  await admin.getByRole('textbox', { name: /^E-mail/ }).fill(email);
  await foot(admin, 'Add customer').click();
  await admin.getByText('Somebody has this address already.').waitFor();
  await admin.getByRole('button', { name: 'Show who' }).click();
  await admin.getByRole('link', { name }).first().waitFor();
});

test('an agent is told who may', async () => {
  const page = await visit('agent', '#/customers');
  await page.getByRole('button', { name: 'Add customer' }).click();
  await page.getByRole('textbox', { name: /^Name/ }).fill('Nobody');
  await page.getByRole('textbox', { name: /^E-mail/ }).fill(`nobody.${email}`);
  await foot(page, 'Add customer').click();
  await page.getByText('only its administrators').waitFor();
  await assertAccessible(page, 'a refusal');
  assertClean(page);
});

test('an agent makes an organization, and lets people in and out', async () => {
  await agent.getByRole('button', { name: 'Add organization' }).click();
  await agent.getByRole('textbox', { name: /^Name/ }).fill(company);
  await foot(agent, 'Add organization').click();
  await agent.getByText(`“${company}” added`).waitFor();
  await agent.getByRole('button', { name: 'Open', exact: true }).click();
  await agent.getByText('Nobody belongs to it yet.').waitFor();
  await assertAccessible(agent, 'an organization without members');
  const box = agent.getByRole('combobox', { name: /Add a member/ });
  await box.fill(name);
  await agent.getByRole('option', { name }).click();
  const member = agent.locator('.member', { hasText: name });
  await member.waitFor();
  await assertAccessible(agent, 'an organization with a member');
  await member.getByRole('button', { name: `Remove ${name}` }).click();
  await member.waitFor({ state: 'detached' });
  await agent.getByRole('alertdialog').filter({ hasText: 'removed from' }).getByRole('button', { name: 'Undo' }).click();
  await member.waitFor();
});

/** Jira, asked as an agent of the demo. */
async function jiraAsAgent(path) {
  const { email, apiToken } = demo.users.agent;
  const answer = await fetch(`${jira}${path}`, { headers: { authorization: `Basic ${Buffer.from(`${email}:${apiToken}`).toString('base64')}` } });
  assert.equal(answer.status, 200, `${path}: ${await answer.clone().text()}`);
  return answer.json();
}

/** Somebody whom a project's form asks no more of than a summary and a description. */
async function simpleForm(api) {
  const { body: projects } = await api('GET', '/projects');
  for (const project of projects.items) {
    const types = await api('GET', `/projects/${project.id}/request-types`);
    for (const type of types.status === 200 ? types.body.items : []) {
      const { body: form } = await api('GET', `/projects/${project.id}/request-types/${type.id}`);
      if (form.missing.length > 0 || !form.described) continue;
      const asked = `project = ${project.key}`;
      const { body: customers } = await api('GET', `/customers?limit=1&query=${encodeURIComponent(asked)}`);
      if (customers.items.length > 0) return { project, type, customer: customers.items[0] };
    }
  }
  throw new Error('every form of the demo asks for more');
}

test('a request is raised for a customer, and stands in Jira as theirs', async () => {
  const { project, type, customer } = await simpleForm(await apiAs('agent'));
  const page = await visit('agent', `#/customers/${customer.accountId}`);
  await page.getByRole('button', { name: 'New request' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await foot(page, 'Create request').click();
  await page.getByText('Choose a service project.').or(page.getByText('Choose a request type.')).first().waitFor();
  await assertAccessible(page, 'a new request');
  await dialog.getByRole('button', { name: /Service project/ }).click();
  await page.getByRole('option', { name: new RegExp(project.name) }).click();
  await dialog.getByRole('button', { name: /Request type/ }).click();
  await page.getByRole('option', { name: new RegExp(`^${type.name}`) }).first().click();
  await foot(page, 'Create request').click();
  await page.getByText('Type a summary.').waitFor();
  const summary = unique('Cannot sign in');
  await dialog.getByRole('textbox', { name: /^Summary/ }).fill(summary);
  await dialog.getByRole('textbox', { name: /^Description/ }).fill('Since this morning.');
  await foot(page, 'Create request').click();
  const flag = page.locator('.flag', { hasText: / created/ });
  await flag.waitFor();
  const [key] = /[A-Z]+-\d+/.exec(await flag.innerText());
  await dialog.waitFor({ state: 'detached' });
  const { fields } = await jiraAsAgent(`/rest/api/3/issue/${key}?fields=summary,reporter`);
  assert.deepEqual([fields.summary, fields.reporter.accountId], [summary, customer.accountId]);
  assertClean(page);
});

for (const [width, colorScheme] of [[360, 'light'], [320, 'dark']]) {
  test(`at ${width}px, ${colorScheme}: fits, without a violation`, async () => {
    const page = await visit('admin', '#/customers', { width, height: 800, colorScheme });
    await page.getByRole('button', { name: 'Add customer' }).click();
    await page.getByRole('textbox', { name: /^E-mail/ }).waitFor();
    await assertFits(page, 'adding a customer');
    await assertAccessible(page, 'adding a customer');
    assertClean(page);
  });
}
