// A Jira Data Center, joined at the command line and used in a browser: somebody signs in at it, sees a request's panel on our own
// pages, and writes a value. It starts its own Jira and its own server.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createInterface } from 'node:readline';
import { assertAccessible, assertClean, assertFits, launch, newPage } from './demo.mjs';

const PROGRAM = process.env.STEWARD_BIN ?? new URL('../../target/debug/steward', import.meta.url).pathname;
const started = [];
const folder = mkdtempSync(join(tmpdir(), 'steward-data-center-'));
const config = join(folder, 'steward.toml');

/** A port that is free now. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address();
  await new Promise((resolve) => { server.close(resolve); });
  return port;
}

/** Starts it for as long as the tests last. */
function start(...args) {
  const child = spawn(PROGRAM, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(child);
  return child;
}

/** The first line of its output. */
async function firstLine(child) {
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error('it ended without a word');
}

/** Runs a command to its end, with a secret on its standard input. */
async function run(secret, ...args) {
  const child = spawn(PROGRAM, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (data) => { output += data; });
  child.stdin.end(secret);
  const [code] = await new Promise((resolve) => { child.on('close', (...ended) => resolve(ended)); });
  assert.equal(code, 0, output);
  return output;
}

/** Until the server answers that it is well. */
async function isUp(steward) {
  for (;;) {
    const well = await fetch(`${steward}/healthz`).then((answer) => answer.ok, () => false);
    if (well) return;
    await new Promise((resolve) => { setImmediate(resolve); });
  }
}

let browser;
let jira;
let steward;
let joined;
before(async () => {
  const port = await freePort();
  steward = `http://127.0.0.1:${port}`;
  const site = start('sandbox', '--deployment', 'data-center', '--port', String(await freePort()), '--calm', '--json', '--oauth-callback', `${steward}/sign-in/callback`);
  jira = JSON.parse(await firstLine(site));
  await run('', 'init', '--directory', folder, '--data', join(folder, 'data'));
  // As its operator edits what was made.
  writeFileSync(config, `[server]\norigin = "${steward}"\nlisten = "127.0.0.1:${port}"\n[data]\ndirectory = "${folder}/data"\nroot_key = "${folder}/root.key"\n[network]\nallow_loopback = true\n`);
  joined = JSON.parse(await run(jira.users.admin.apiToken, 'site', '--config', config, 'add', '--address', jira.jira, '--token-file', '-', '--json'));
  await run('sandbox-secret', 'site', '--config', config, 'sign-in', jira.jira, '--client', 'sandbox-client', '--secret-file', '-');
  start('serve', '--config', config);
  await isUp(steward);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  for (const child of started) {
    const ended = new Promise((resolve) => { child.on('close', resolve); });
    child.kill('SIGTERM');
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
});

/** Signs somebody in: at Jira, who asks whether Steward may read as them, and back. */
async function signsIn(page, role) {
  await page.goto(jira.users[role].signIn);
  await page.goto(joined.signIn ?? `${steward}/sign-in/${joined.id}`);
  assert.ok(page.url().startsWith(jira.jira), 'Jira asks');
  await page.locator('a[href*="/accept?"]:not([href*="deny"])').first().click();
  await page.waitForURL(`${steward}/app/**`);
}

/** Our API as whoever is signed in on this page. */
const api = (page, method, path, body) => page.evaluate(async ([how, where, what]) => {
  const { csrf } = await (await fetch('/api/v1/session')).json();
  const answer = await fetch(`/api/v1${where}`, { method: how, headers: { 'x-csrf-token': csrf, 'content-type': 'application/json' }, body: what && JSON.stringify(what) });
  return { status: answer.status, body: await answer.json() };
}, [method, path, body]);

/** The key of a request of the customer's, asked of Jira as the agent's own script would. */
async function request() {
  const ask = async (path) => {
    const answer = await fetch(`${jira.jira}/rest/api/2/${path}`, { headers: { authorization: `Bearer ${jira.users.agent.apiToken}` } });
    assert.equal(answer.status, 200, path);
    return answer.json();
  };
  const [customer] = await ask(`user/search?username=${encodeURIComponent(jira.users.customer.email)}`);
  const found = await ask(`search?maxResults=1&jql=${encodeURIComponent(`reporter = "${customer.name}"`)}`);
  return found.issues[0].key;
}

for (const [width, colorScheme] of [[1280, 'light'], [360, 'dark']]) {
  test(`somebody signs in at Data Center and keeps a value, ${width}px, ${colorScheme}`, async () => {
    const admin = await newPage(browser);
    await signsIn(admin, 'admin');
    const made = await api(admin, 'POST', '/fields', { entity: 'customer', type: 'text', name: `Contract ${width}`, audience: 'agents' });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const page = await newPage(browser, { width, height: 900, colorScheme });
    await signsIn(page, 'agent');
    await page.goto(`${steward}/app/#/issues/${await request()}`);
    await page.locator('.person-name').waitFor();
    assert.ok((await page.locator('.person-name').first().innerText()).includes(jira.users.customer.displayName));
    const row = page.locator(`[data-field="${made.body.id}"]`);
    await row.locator('[data-edit]').click();
    await page.keyboard.type(`K-${width}`);
    await page.keyboard.press('Enter');
    await row.locator('.field-saved').waitFor();
    await assertAccessible(page, 'the panel beside Data Center');
    await assertFits(page, 'the panel beside Data Center');
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/data-center-${width}.png` });
    await page.goto(`${steward}/app/#/customers`);
    await page.getByText(jira.users.customer.displayName).first().waitFor();
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/data-center-list-${width}.png` });
    assertClean(page);
  });
}
