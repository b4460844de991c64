// The customers' portal: an administrator makes a key, a site of the customer's own signs a token and posts it, and the customer sees their
// requests and their profile; wide and narrow, light and dark. It starts its own Jira Data Center, its own server, and the customer's site.
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { api, joinDataCenter, signsIn } from './joined.mjs';
import { assertAccessible, assertClean, assertFits, launch, newPage } from './demo.mjs';

let browser;
let site;
let admin;
let shop;
let key;
let organization;

const base64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token, as the customer's site makes it. */
function token(email) {
  const now = Math.floor(Date.now() / 1000);
  const signed = `${base64({ alg: 'HS256', typ: 'JWT', kid: key.kid })}.${base64({ aud: key.audience, email, name: 'Ana', iat: now, exp: now + 120, jti: randomUUID() })}`;
  return `${signed}.${createHmac('sha256', key.secret).update(signed).digest('base64url')}`;
}

/** The customer's own site: one page with one button, at an origin of its own. */
async function openShop() {
  const server = createServer((request, response) => {
    const asked = new URL(request.url, 'http://shop');
    response.setHeader('content-type', 'text/html');
    response.end(`<!doctype html><title>Shop</title><form method="post" action="${key?.audience ?? ''}">
      <input type="hidden" name="token" value="${token(asked.searchParams.get('email') ?? '')}">
      <input type="hidden" name="return_to" value="${asked.searchParams.get('to') ?? ''}"><button>My requests</button></form>`);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { address: `http://localhost:${server.address().port}`, end: () => new Promise((resolve) => { server.close(resolve); }) };
}

const shot = async (page, name) => {
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${name}.png`, fullPage: true });
};

/** Comes from the customer's site. */
async function comes(page, email, to = '') {
  await page.goto(`${shop.address}/?email=${encodeURIComponent(email)}&to=${encodeURIComponent(to)}`);
  await page.getByRole('button', { name: 'My requests' }).click();
}

before(async () => {
  site = await joinDataCenter();
  browser = await launch();
  admin = await newPage(browser);
  await signsIn(site, admin, 'admin');
  shop = await openShop();
});
after(async () => {
  if (admin) assertClean(admin);
  await browser?.close();
  await shop?.end();
  await site?.end();
});

test('an administrator makes a key, and its secret is told once', async () => {
  await admin.goto(`${site.steward}/app/#/settings/sign-in`);
  await admin.getByText('No key yet').waitFor();
  await assertAccessible(admin, 'customer sign-in without a key');
  await shot(admin, 'signin-empty');
  await admin.getByRole('button', { name: 'Create key' }).click();
  await admin.locator('.window-foot').getByRole('button', { name: 'Create' }).click();
  await admin.getByText('Give the key a name.').waitFor();
  await admin.getByRole('textbox', { name: /^Name/ }).fill('Shop');
  await admin.getByText('With a key pair of its own').click();
  await admin.locator('textarea').fill('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----');
  await admin.locator('.window-foot').getByRole('button', { name: 'Create' }).click();
  await admin.getByText('This is a private key.', { exact: false }).waitFor();
  await assertAccessible(admin, 'the window with a private key in it');
  await shot(admin, 'signin-dialog');
  await admin.getByText('With a secret that is made here').click();
  await admin.locator('.window-foot').getByRole('button', { name: 'Create' }).click();
  await admin.locator('.secret-text').first().waitFor();
  const [secret, kid] = await admin.locator('.secret-text').allInnerTexts();
  assert.match(secret, /^stwk_[0-9a-f]{32}_[A-Za-z0-9_-]{43}$/);
  await assertAccessible(admin, 'the secret of a key');
  await shot(admin, 'signin-secret');
  await admin.getByRole('button', { name: 'Done' }).click();
  const listed = await api(admin, 'GET', '/customer-keys');
  assert.ok(!JSON.stringify(listed.body).includes(secret));
  key = { id: listed.body.items[0].id, kid, secret, audience: listed.body.signInUrl };
  await admin.locator('.signin-code').first().waitFor();
  await assertAccessible(admin, 'customer sign-in with a key');
  await shot(admin, 'signin-key');
  const made = await api(admin, 'POST', '/fields', { entity: 'customer', type: 'text', name: 'Nickname', audience: 'customerEdit' });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  // What is shared of the customer's organization, and what is not.
  const found = await api(admin, 'GET', `/customers?search=${encodeURIComponent(site.jira.users.customer.displayName)}`);
  const { organizations } = found.body.items.find((one) => one.displayName === site.jira.users.customer.displayName);
  const values = {};
  for (const [name, audience] of [['Agreement', 'customerView'], ['Risk', 'agents']]) {
    const field = await api(admin, 'POST', '/fields', { entity: 'organization', type: 'text', name, audience });
    assert.equal(field.status, 201, JSON.stringify(field.body));
    values[field.body.id] = `${name} of all`;
  }
  const written = await api(admin, 'POST', '/organizations/values:bulk', { items: [{ organizationId: organizations[0].id, values }] });
  assert.equal(written.body.items[0].status, 200, JSON.stringify(written.body));
  [organization] = organizations;
});

for (const [width, colorScheme] of [[1280, 'light'], [1280, 'dark'], [390, 'light'], [390, 'dark']]) {
  test(`a customer comes from their own site and sees what is theirs, ${width}px, ${colorScheme}`, async () => {
    const page = await newPage(browser, { width, height: 800, colorScheme });
    await comes(page, site.jira.users.customer.email);
    await page.waitForURL(`${site.steward}/portal/**`);
    await page.locator('.request').first().waitFor();
    assert.ok(!page.url().includes('ey'), 'no token stands in an address');
    assert.equal(await page.locator('.portal-person').innerText().then((text) => text.includes(site.jira.users.customer.displayName)), true);
    const link = await page.locator('.request-summary a').first().getAttribute('href');
    assert.ok(link.startsWith(`${site.jira.jira}/servicedesk/customer/portal/`), link);
    await assertAccessible(page, 'own requests');
    await assertFits(page, 'own requests');
    await shot(page, `portal-requests-${width}-${colorScheme}`);
    // By keyboard from the top to the profile.
    await page.locator('.portal-nav').getByRole('link', { name: 'Your profile' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: /profile/i }).waitFor();
    const row = page.locator('[data-field]', { hasText: 'Nickname' });
    await row.locator('[data-edit]').click();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type(`Annie ${width} ${colorScheme}`);
    await page.keyboard.press('Enter');
    await row.locator('.field-saved').waitFor();
    const block = page.locator(`[data-organization="${organization.id}"]`);
    await block.getByRole('heading', { name: organization.name }).waitFor();
    await block.getByText('Agreement of all').waitFor();
    assert.equal(await page.getByText('Risk').count(), 0);
    await assertAccessible(page, 'own profile');
    await assertFits(page, 'own profile');
    await shot(page, `portal-profile-${width}-${colorScheme}`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out').waitFor();
    await assertAccessible(page, 'the portal when nobody is signed in');
    await shot(page, `portal-out-${width}-${colorScheme}`);
    assertClean(page);
  });
}

test('it begins where the site says, and only within the portal', async () => {
  const page = await newPage(browser);
  await comes(page, site.jira.users.customer.email, '/portal/#/profile');
  await page.waitForURL(`${site.steward}/portal/#/profile`);
  await comes(page, site.jira.users.customer.email, 'https://elsewhere.example/');
  await page.waitForURL(`${site.steward}/portal/`);
  assertClean(page);
});

test('who is not let in reads one page, and the administrator why', async () => {
  const page = await newPage(browser, { width: 390, height: 700 });
  await comes(page, 'nobody@shop.example');
  await page.getByRole('heading', { name: 'You are not signed in' }).waitFor();
  await assertAccessible(page, 'the refusal');
  await shot(page, 'portal-refused-390');
  await admin.reload();
  await admin.getByText('nobody in Jira has that e-mail address').waitFor();
  await shot(admin, 'signin-refused');
  assertClean(page);
});

test('what fails is said, and tried again', async () => {
  const page = await newPage(browser, { width: 390, height: 700 });
  await page.route('**/api/v1/me/requests**', (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', body: JSON.stringify({ title: 'Internal Server Error', status: 500, code: 'broken', detail: 'Something broke on our side.', requestId: 'r-1' }) }));
  await comes(page, site.jira.users.customer.email);
  await page.locator('.problem').waitFor();
  await assertAccessible(page, 'requests that cannot be read');
  await shot(page, 'portal-error-390');
  await page.unroute('**/api/v1/me/requests**');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('.request').first().waitFor();
  // Nothing there.
  await page.route('**/api/v1/me/requests**', (route) => route.fulfill({ json: { items: [], nextCursor: null } }));
  await page.reload();
  await page.getByText('No requests yet').waitFor();
  await shot(page, 'portal-empty-390');
  await assertAccessible(page, 'no requests');
  assertClean(page);
});

test('a key that is deleted signs its people out at once', async () => {
  const page = await newPage(browser);
  await comes(page, site.jira.users.customer.email);
  await page.locator('.request').first().waitFor();
  await admin.getByRole('button', { name: 'Delete Shop' }).click();
  await admin.getByRole('button', { name: 'Delete', exact: true }).last().click();
  await admin.getByText('No key yet').waitFor();
  await page.reload();
  await page.getByText('You are signed out').waitFor();
  await comes(page, site.jira.users.customer.email);
  await page.getByRole('heading', { name: 'You are not signed in' }).waitFor();
  assertClean(page);
});
