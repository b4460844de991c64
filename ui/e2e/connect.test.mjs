// Our pages in the frames of Connect: installed on the demo's Jira from our descriptor, opened by people, and gone again.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAccessible, assertClean, jira, launch, newPage, signIn, steward, unique, user } from './demo.mjs';

const APP = 'com.steward.demo';
const door = async (method, path, body) => {
  const answer = await fetch(`${jira}/sandbox/connect${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${text}`);
  return text ? JSON.parse(text) : null;
};

/** Our API with the context token that this person's page is given. */
async function apiInFrame(role, module) {
  const { token } = await door('POST', `/${APP}/page`, { user: user(role), module });
  return async (method, path, body) => {
    const answer = await fetch(`${steward}/api/v1${path}`, {
      method, headers: { authorization: `JWT ${token}`, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: await answer.json() };
  };
}

const shown = async (page, module, issue) => {
  await page.goto(`${jira}/plugins/servlet/ac/${APP}/${module}${issue ? `?issue=${issue}` : ''}`);
  return (await page.locator('iframe.connect-frame').elementHandle()).contentFrame();
};

let browser;
let field;
before(async () => {
  browser = await launch();
  await door('POST', '', { url: `${steward}/connect/atlassian-connect.json` });
  const api = await apiInFrame('admin', 'settings-page');
  const made = await api('POST', '/fields', { entity: 'customer', type: 'text', name: unique('Contract'), audience: 'customerEdit' });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  field = made.body;
});
after(async () => {
  await door('DELETE', `/${APP}`).catch(() => undefined);
  await browser?.close();
});

for (const [width, colorScheme] of [[1280, 'light'], [360, 'dark']]) {
  test(`the panel in a frame of Connect, ${width}px, ${colorScheme}`, async () => {
    const page = await newPage(browser, { width, height: 900, colorScheme });
    await signIn(page, 'agent', '/jira/projects');
    await page.locator('a[href^="/jira/servicedesk/projects/"]').first().click();
    const issue = (await page.locator('a[href^="/browse/"]').first().getAttribute('href')).split('/').pop();
    const frame = await shown(page, 'customer-panel', issue);
    await frame.locator('.person-name').waitFor();
    const row = frame.locator(`[data-field="${field.id}"]`);
    await row.locator('[data-edit]').click();
    await page.keyboard.press('Control+A');
    await page.keyboard.type(`K-${width}`);
    await page.keyboard.press('Enter');
    await row.locator('.field-saved').waitFor();
    await assertAccessible(frame, 'the panel in a frame of Connect');
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/panel-${width}.png` });
    assertClean(page);
  });
}

test('the settings open for an administrator alone', async () => {
  const page = await newPage(browser);
  await signIn(page, 'admin', '/jira/projects');
  const frame = await shown(page, 'settings-page');
  await frame.getByText(field.name).first().waitFor();
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/settings.png` });
  assertClean(page);
  await signIn(page, 'agent', '/jira/projects');
  await page.goto(`${jira}/plugins/servlet/ac/${APP}/settings-page`);
  await page.getByText('We can’t show that page').waitFor();
});

test('a page that nobody signed says nothing, and is framed by nobody', async () => {
  const answer = await fetch(`${steward}/connect/settings-page`);
  assert.equal(answer.status, 401);
  assert.match(answer.headers.get('content-security-policy'), /frame-ancestors 'none'/);
});
