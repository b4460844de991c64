// What a colleague changes shows in the panel and on a customer's page, without a reload; and an editor keeps what it began with.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { apiAs, assertClean, launch, makeFields, newPage, openPanel, ticketUrl, unique } from './demo.mjs';

let browser;
let admin;
let made;
let page;
let frame;
let account;
before(async () => {
  browser = await launch();
  admin = await apiAs('admin');
  made = await makeFields(admin, unique('Live'), { ship: { type: 'text' } });
  page = await newPage(browser, { width: 1400, height: 1000 });
  frame = await openPanel(page);
  const asked = await page.evaluate(() => location.pathname.split('/').at(-1));
  account = (await admin('GET', `/panel?issue=${asked}`)).body.selected.customer.accountId;
});
after(async () => {
  await made?.remove();
  await browser?.close();
});

const write = async (value) => {
  const path = `/customers/${account}/values`;
  const { etag } = await admin('GET', path);
  const wrote = await admin('PATCH', path, { values: { [made.fields.ship.id]: value } }, { 'if-match': etag });
  assert.equal(wrote.status, 200, JSON.stringify(wrote.body));
};
const row = (where) => where.locator(`[data-field="${made.fields.ship.id}"]`);

test('in the panel, through Jira', async () => {
  await write('Nautilus');
  await row(frame).getByText('Nautilus').waitFor();
  await write('Pequod');
  await row(frame).getByText('Pequod').waitFor();
});

test('on a page of our own; who edits is told of it when they save', async () => {
  const own = await newPage(browser);
  await own.goto(await ticketUrl('agent', `#/customers/${account}`));
  await row(own).getByText('Pequod').waitFor();
  await write('Nautilus');
  await row(own).getByText('Nautilus').waitFor();
  await row(own).hover();
  await row(own).locator('[data-edit]').click();
  await row(own).locator('.field-editor').waitFor();
  await own.keyboard.type(' II');
  await write('Hispaniola');
  await row(frame).getByText('Hispaniola').waitFor();
  await own.keyboard.press('Enter');
  await row(own).getByRole('group', { name: /changed this/ }).getByText('Hispaniola').waitFor();
  await row(own).getByRole('button', { name: 'Write mine' }).waitFor();
  assertClean(own);
  assertClean(page);
});
