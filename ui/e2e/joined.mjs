// A Jira of its own, Cloud or Data Center, joined by a token at the command line to a server of its own, for as long as a file's tests last.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PROGRAM = process.env.STEWARD_BIN ?? new URL('../../target/debug/steward', import.meta.url).pathname;

/** A port that is free now. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address();
  await new Promise((resolve) => { server.close(resolve); });
  return port;
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

/** A Jira Data Center, joined by a personal access token. */
export const joinDataCenter = () => joinSite('data-center');

/** A Jira Cloud, joined by an account's API token, without an app on it. */
export const joinCloud = () => joinSite('cloud');

/** {jira: what the sandbox says of itself, steward: URL, joined: what joining said, end()}. */
async function joinSite(deployment) {
  const started = [];
  const folder = mkdtempSync(join(tmpdir(), `steward-${deployment}-`));
  const config = join(folder, 'steward.toml');
  const start = (...args) => {
    const child = spawn(PROGRAM, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    started.push(child);
    return child;
  };
  const end = async () => {
    for (const child of started) {
      const ended = new Promise((resolve) => { child.on('close', resolve); });
      child.kill('SIGTERM');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const port = await freePort();
    const steward = `http://127.0.0.1:${port}`;
    const site = start('sandbox', '--deployment', deployment, '--port', String(await freePort()), '--calm', '--json', '--oauth-callback', `${steward}/sign-in/callback`);
    const jira = JSON.parse(await firstLine(site));
    await run('', 'init', '--directory', folder, '--data', join(folder, 'data'));
    const cloud = deployment === 'cloud';
    // People of a Data Center sign in at their own Jira, and are read there; those of Cloud at Atlassian, in whose places the sandbox stands.
    const atlassian = cloud ? `[forge]\napi_bases = ["${jira.jira}/ex/jira/"]\n[sign_in]\nauthority = "${jira.jira}/"\ngranted_sites = "${jira.jira}/oauth/token/accessible-resources"\n` : '';
    // As its operator edits what was made.
    writeFileSync(config, `[server]\norigin = "${steward}"\nlisten = "127.0.0.1:${port}"\n[data]\ndirectory = "${folder}/data"\nroot_key = "${folder}/root.key"\n${atlassian}[network]\nallow_loopback = true\n`);
    const { email, apiToken } = jira.users.admin;
    const joined = JSON.parse(await run(apiToken, 'site', '--config', config, 'add', '--address', jira.jira, ...(cloud ? ['--account', email] : []), '--token-file', '-', '--json'));
    await run('sandbox-secret', 'site', '--config', config, 'sign-in', jira.jira, '--client', 'sandbox-client', '--secret-file', '-');
    start('serve', '--config', config);
    await isUp(steward);
    return { jira, steward, joined, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Signs somebody in: at Jira, who asks whether Steward may read as them, and back. */
export async function signsIn({ jira, steward, joined }, page, role) {
  await page.goto(jira.users[role].signIn);
  await page.goto(joined.signIn ?? `${steward}/sign-in/${joined.id}`);
  assert.ok(page.url().startsWith(jira.jira), 'Jira asks');
  await page.locator('a[href*="/accept?"]:not([href*="deny"])').first().click();
  await page.waitForURL(`${steward}/app/**`);
}

/** The key of a request of the customer's, asked of Jira as the agent's own script would. */
export async function requestOf({ jira }) {
  const { email, apiToken } = jira.users.agent;
  const onServer = jira.deployment === 'data-center';
  const authorization = onServer ? `Bearer ${apiToken}` : `Basic ${Buffer.from(`${email}:${apiToken}`).toString('base64')}`;
  const ask = async (path) => {
    const answer = await fetch(`${jira.jira}/rest/api/${path}`, { headers: { authorization } });
    assert.equal(answer.status, 200, path);
    return answer.json();
  };
  const search = (reporter) => `${onServer ? '2/search' : '3/search/jql'}?maxResults=1&fields=reporter&jql=${encodeURIComponent(`reporter = "${reporter}"`)}`;
  const { customer } = jira.users;
  const reporter = onServer ? (await ask(`2/user/search?username=${encodeURIComponent(customer.email)}`))[0].name : customer.accountId;
  const found = await ask(search(reporter));
  return found.issues[0].key;
}

/** Our API as whoever is signed in on this page. */
export const api = (page, method, path, body) => page.evaluate(async ([how, where, what]) => {
  const { csrf } = await (await fetch('/api/v1/session')).json();
  const answer = await fetch(`/api/v1${where}`, { method: how, headers: { 'x-csrf-token': csrf, 'content-type': 'application/json' }, body: what && JSON.stringify(what) });
  const text = await answer.text();
  return { status: answer.status, body: text ? JSON.parse(text) : null };
}, [method, path, body]);
