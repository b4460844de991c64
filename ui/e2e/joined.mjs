// A Jira Data Center of its own, joined at the command line to a server of its own, for as long as a file's tests last.
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

/** {jira: what the sandbox says of itself, steward: URL, joined: what joining said, end()}. */
export async function joinDataCenter() {
  const started = [];
  const folder = mkdtempSync(join(tmpdir(), 'steward-data-center-'));
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
    const site = start('sandbox', '--deployment', 'data-center', '--port', String(await freePort()), '--calm', '--json', '--oauth-callback', `${steward}/sign-in/callback`);
    const jira = JSON.parse(await firstLine(site));
    await run('', 'init', '--directory', folder, '--data', join(folder, 'data'));
    // As its operator edits what was made.
    writeFileSync(config, `[server]\norigin = "${steward}"\nlisten = "127.0.0.1:${port}"\n[data]\ndirectory = "${folder}/data"\nroot_key = "${folder}/root.key"\n[network]\nallow_loopback = true\n`);
    const joined = JSON.parse(await run(jira.users.admin.apiToken, 'site', '--config', config, 'add', '--address', jira.jira, '--token-file', '-', '--json'));
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

/** Our API as whoever is signed in on this page. */
export const api = (page, method, path, body) => page.evaluate(async ([how, where, what]) => {
  const { csrf } = await (await fetch('/api/v1/session')).json();
  const answer = await fetch(`/api/v1${where}`, { method: how, headers: { 'x-csrf-token': csrf, 'content-type': 'application/json' }, body: what && JSON.stringify(what) });
  const text = await answer.text();
  return { status: answer.status, body: text ? JSON.parse(text) : null };
}, [method, path, body]);
