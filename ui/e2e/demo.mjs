// The demo that the browser tests run against, and the ways into it. STEWARD_DEMO is the line that
// `steward demo --json` prints: {"steward": URL, "jira": URL, "users": {"admin", "agent", "customer"}}.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

if (!process.env.STEWARD_DEMO) throw new Error('STEWARD_DEMO is not set: give it the line that `steward demo --json` prints');
export const demo = JSON.parse(process.env.STEWARD_DEMO);
export const steward = demo.steward.replace(/\/$/, '');
export const jira = demo.jira.replace(/\/$/, '');

/** What signs in as this person on the sandbox: the demo's word for them, in whichever form it gives it. */
export function user(role) {
  const known = demo.users[role];
  return typeof known === 'string' ? known : (known?.user ?? known?.accountId ?? known?.email ?? role);
}

export const MODULE = { admin: 'settings-page', agent: 'customers-page', customer: 'portal-profile' };

/** An invocation token, as Jira would give it to this person's page. It works once. */
export async function invocation(role, module = MODULE[role]) {
  const answer = await fetch(`${jira}/sandbox/token`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ user: user(role), module }) });
  assert.equal(answer.status, 200, `no token for ${role}: ${await answer.clone().text()}`);
  return (await answer.json()).token;
}

/** Our API as this person. Answers {status, body, etag}; does not throw for statuses. */
export async function apiAs(role) {
  const begun = await fetch(`${steward}/api/v1/session/bearer`, { method: 'POST', headers: { authorization: `Bearer ${await invocation(role)}` } });
  assert.equal(begun.status, 200, `no session for ${role}: ${await begun.clone().text()}`);
  const { token } = await begun.json();
  return async (method, path, body, headers = {}) => {
    const answer = await fetch(`${steward}/api/v1${path}`, {
      method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : null, etag: answer.headers.get('etag') };
  };
}

/** A one-time address of our own pages. */
export async function ticketUrl(role, hash) {
  const answer = await fetch(`${steward}/api/v1/session/tickets`, { method: 'POST', headers: { authorization: `Bearer ${await invocation(role)}` } });
  assert.equal(answer.status, 200, `no ticket for ${role}: ${await answer.clone().text()}`);
  const url = new URL((await answer.json()).url);
  url.hash = hash;
  return url.href;
}

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);
const isLocal = (url) => !/^(https?|wss?):/.test(url) || LOOPBACK.has(new URL(url).hostname) || new URL(url).hostname.endsWith('.localhost');

/** A page that remembers what must never happen on it: errors, broken policy, a request to somebody else. */
export async function newPage(browser, { width = 1280, height = 900, colorScheme = 'light' } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, reducedMotion: 'reduce', locale: 'en-GB', timezoneId: 'Europe/Berlin' });
  // Longer than any answer of a demo that is well.
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && /Content.Security.Policy|Refused to/i.test(message.text())) page.faults.push(message.text());
  });
  page.on('request', (request) => {
    if (!isLocal(request.url())) page.faults.push(`request to ${request.url()}`);
  });
  return page;
}

export function assertClean(page) {
  assert.deepEqual(page.faults, []);
}

/** Zero violations of WCAG 2.2 A and AA, in a page or in one frame of it. */
export async function assertAccessible(frame, what) {
  await frame.evaluate(AXE);
  const violations = await frame.evaluate(async () => {
    const result = await globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
    return result.violations.map((v) => `${v.impact} ${v.id}: ${v.help} ${v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join(' | ')}`);
  });
  assert.deepEqual(violations, [], `${what} is accessible`);
}

/** Nothing is wider than the window. */
export async function assertFits(page, what) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(over <= 0, `${what} is ${over}px wider than the window`);
}

export async function signIn(page, role, to) {
  await page.goto(`${jira}/sandbox/login?user=${encodeURIComponent(user(role))}&to=${encodeURIComponent(to)}`);
}

/** Opens the newest issue of the agent's first service project, and answers the frame of our panel in it. */
export async function openPanel(page, role = 'agent') {
  await signIn(page, role, '/jira/projects');
  await page.locator('a[href^="/jira/servicedesk/projects/"]').first().click();
  await page.locator('a[href^="/browse/"]').first().click();
  return panelFrame(page);
}

export async function panelFrame(page) {
  // As in Jira, it is closed until somebody opens it, and then stays open for them.
  const group = page.locator('details:has([data-module="customer-panel"])');
  if (await group.evaluate((details) => !details.open)) await group.locator('summary').first().click();
  const handle = await page.locator('[data-module="customer-panel"] iframe').elementHandle();
  const frame = await handle.contentFrame();
  await frame.locator('.person-name').waitFor();
  return frame;
}

/** Makes a section of fields for one test file; gives the fields by type, and retires them at the end. */
export async function makeFields(api, prefix, wanted) {
  const section = await api('POST', '/sections', { entity: 'customer', name: `${prefix} section` });
  assert.equal(section.status, 201, JSON.stringify(section.body));
  const fields = {};
  for (const [key, more] of Object.entries(wanted)) {
    const made = await api('POST', '/fields', {
      entity: 'customer', name: `${prefix} ${key}`, help: null, sectionId: section.body.id, required: false, default: null, options: [], audience: 'agents', projects: [], ...more,
    });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    fields[key] = made.body;
  }
  const remove = async () => {
    for (const { id } of Object.values(fields)) {
      const now = await api('GET', `/fields/${id}`);
      if (now.status === 200 && !now.body.retired) await api('DELETE', `/fields/${id}`, undefined, { 'if-match': now.etag });
    }
    const { body } = await api('GET', '/sections?entity=customer');
    const left = body.items.find((s) => s.id === section.body.id);
    if (left) await api('DELETE', `/sections/${left.id}`, undefined, { 'if-match': `"v${left.version}"` });
  };
  return { fields, section: section.body, remove };
}

/** A name that no other run has. */
export const unique = (word) => `${word} ${Math.random().toString(36).slice(2, 7)}`;
