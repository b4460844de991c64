// The bridge of Connect's frames (`AP`) on the sandbox's pages: by an app of this file's own, whose pages do nothing but load it.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { assertClean, assertFits, jira, launch, newPage, signIn } from './demo.mjs';

const APP = 'com.example.bridge';
const panel = (path) => ({ type: 'web_panel', url: `${path}?issue={issue.key}` });
const descriptor = (url) => ({
  key: APP,
  name: 'Bridge',
  baseUrl: url,
  authentication: { type: 'jwt' },
  apiMigrations: { 'signed-install': true },
  lifecycle: { installed: '/installed', uninstalled: '/uninstalled' },
  scopes: ['READ'],
  modules: {
    jiraIssueContexts: [{ key: 'first', name: { value: 'First panel' }, target: panel('/first') }],
    jiraIssueGlances: [{ key: 'glance', name: { value: 'A glance' }, target: panel('/glance') }],
    webPanels: [
      { key: 'second', name: { value: 'Second panel' }, url: '/second?issue={issue.key}', location: 'atl.jira.view.issue.right.context' },
      { key: 'elsewhere', name: { value: 'A panel elsewhere' }, url: '/elsewhere', location: 'atl.jira.view.issue.left.context' },
    ],
    dialogs: [{ key: 'choice', url: '/choice?issue={issue.key}' }],
  },
});

const door = async (method, path, body) => {
  const answer = await fetch(`${jira}/sandbox/connect${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  assert.ok(answer.ok, `${method} ${path}: ${await answer.text()}`);
};

/** What Jira asked the app for: paths with their queries. */
const asked = [];
let app;
const server = createServer((request, answer) => {
  asked.push(request.url);
  if (request.method === 'POST') answer.writeHead(204).end();
  else if (request.url === '/descriptor.json') answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(descriptor(app)));
  else {
    const [, name] = /^\/([a-z]+)/.exec(request.url) ?? [null, 'nothing'];
    answer.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    answer.end(`<!doctype html><html lang="en"><head><title>${name}</title><script src="${jira}/connect/all.js" data-options="resize:false"></script></head><body><h1>This is ${name}</h1></body></html>`);
  }
});

let browser;
let page;
let issue;
let other;
before(async () => {
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  app = `http://127.0.0.1:${server.address().port}`;
  await door('POST', '', { url: `${app}/descriptor.json` });
  browser = await launch();
  page = await newPage(browser);
  await signIn(page, 'agent', '/jira/projects');
  await page.locator('a[href^="/jira/servicedesk/projects/"]').first().click();
  const links = page.locator('a[href^="/browse/"]');
  await links.first().waitFor();
  [issue, other] = await links.evaluateAll((all) => [...new Set(all.map((link) => link.getAttribute('href').split('/').pop()))]);
});
beforeEach(async () => {
  await page.goto(`${jira}/browse/${issue}`);
  // Nothing is open from the test before.
  await page.evaluate(() => { localStorage.clear(); });
  await page.reload();
});
after(async () => {
  await browser?.close();
  await door('DELETE', `/${APP}`).catch(() => undefined);
  server.closeAllConnections();
  server.close();
});

const group = (name) => page.locator('details.group-app').filter({ hasText: name });
/** A frame that is out of sight paints nothing: what is waited for is not looked for at each picture. */
const until = (frame, holds) => frame.waitForFunction(holds, undefined, { polling: 50 });
const box = () => page.locator('dialog.connect-dialog');
const inFrame = async (locator, says) => {
  const frame = await (await locator.elementHandle()).contentFrame();
  await frame.getByRole('heading', { name: `This is ${says}` }).waitFor();
  return frame;
};
/** Opens a panel beside the issue, and answers its frame. */
const opened = async (name, module) => {
  await group(name).locator('summary').click();
  return inFrame(page.locator(`iframe[data-connect-module="${module}"]`), module);
};
/** Opens a dialog from a frame, which remembers what it is told of it, and answers the dialog's frame. */
const dialog = async (frame, options) => {
  await frame.evaluate((wanted) => {
    window.endings = [];
    window.AP.dialog.create({ key: 'choice', ...wanted }).on('close', (data) => window.endings.push(data ?? 'nothing'));
  }, options);
  return inFrame(box().locator('iframe'), 'choice');
};
/** What the opener was told, once the dialog is gone. */
const closed = async (frame) => {
  await box().waitFor({ state: 'detached' });
  await until(frame, () => window.endings.length > 0);
  return frame.evaluate(() => window.endings);
};
/** The bridge answers in order: what was sent before has come. */
const settled = (inside) => inside.evaluate(() => window.AP.dialog.getCustomData());

test('panels stand closed beside an issue, and are filled when somebody opens them', async () => {
  asked.length = 0;
  await group('First panel').waitFor();
  assert.deepEqual(await page.locator('iframe[data-connect-app]').evaluateAll((all) => all.map((one) => one.dataset.connectModule)), ['first', 'glance', 'second']);
  assert.equal(await group('First panel').evaluate((details) => details.open), false);
  assert.deepEqual(asked, [], 'what is closed asks its app for nothing');
  await opened('First panel', 'first');
  await opened('A glance', 'glance');
  assert.deepEqual(asked.map((path) => path.split('&')[0]), [`/first?issue=${issue}`, `/glance?issue=${issue}`]);
  await page.reload();
  await inFrame(page.locator('iframe[data-connect-module="first"]'), 'first');
  assert.equal(await group('Second panel').evaluate((details) => details.open), false);
  assertClean(page);
});

test('a frame asks as whoever looks, says who that is, and of this site alone', async () => {
  const frame = await opened('First panel', 'first');
  const said = await frame.evaluate(async () => {
    const { AP } = window;
    const token = await new Promise((resolve) => { AP.context.getToken(resolve); });
    const refused = (asking) => asking.then(() => 'taken', (error) => error.xhr?.status ?? error.message);
    return {
      me: JSON.parse((await AP.request('/rest/api/3/myself')).body).accountId,
      called: await new Promise((resolve, reject) => {
        AP.request({ url: '/rest/api/3/myself', success: (body) => resolve(JSON.parse(body).accountId), error: reject });
      }),
      none: await refused(AP.request('/rest/api/3/issue/NONE-1')),
      beyond: await refused(AP.request('/sandbox/connect')),
      claims: JSON.parse(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/'))),
      context: await AP.context.getContext(),
      user: await AP.user.getCurrentUser(),
      location: await AP.getLocation(),
    };
  });
  assert.deepEqual([said.called, said.user.atlassianAccountId, said.claims.sub], [said.me, said.me, said.me]);
  assert.deepEqual([said.none, said.beyond], [404, 'not an address of the API']);
  assert.equal(said.claims.qsh, 'context-qsh');
  assert.equal(said.claims.context.jira.issue.key, issue);
  assert.deepEqual(said.context, said.claims.context);
  assert.equal(said.location, `${jira}/browse/${issue}`);
  assertClean(page);
});

test('events reach the frames of their app, flags come and go, and a frame takes the size that it asks for', async () => {
  const first = await opened('First panel', 'first');
  const second = await opened('Second panel', 'second');
  await second.evaluate(() => {
    window.heard = [];
    window.AP.events.on('greeting', (data) => window.heard.push(data));
  });
  await first.evaluate(() => window.AP.events.emit('greeting', { from: 'first' }));
  await until(second, () => window.heard.length > 0);
  assert.deepEqual(await second.evaluate(() => window.heard), [{ from: 'first' }]);

  // Both count from one: neither closes the other's.
  for (const frame of [first, second]) {
    await frame.evaluate((body) => { window.flag = window.AP.flag.create({ title: 'Saved', body, type: 'success' }); }, frame === first ? 'by the first' : 'by the second');
  }
  const flag = (body) => page.locator('.connect-flag.success', { hasText: body });
  await flag('by the first').waitFor();
  await flag('by the second').waitFor();
  await first.evaluate(() => { window.flag.close(); });
  await flag('by the first').waitFor({ state: 'detached' });
  assert.equal(await flag('by the second').count(), 1);

  await first.evaluate(() => window.AP.resize('100%', '321'));
  assert.equal(await page.locator('iframe[data-connect-module="first"]').evaluate((iframe) => iframe.offsetHeight), 321);
  assertClean(page);
});

test('an app leads to another issue', async () => {
  const frame = await opened('First panel', 'first');
  await frame.evaluate((issueKey) => { setTimeout(() => window.AP.navigator.go('issue', { issueKey }), 0); }, other);
  await page.waitForURL(`${jira}/browse/${other}`);
  assertClean(page);
});

test('a dialog is the bare page of a module, and tells its opener what came of it', async () => {
  const frame = await opened('First panel', 'first');
  await frame.evaluate(() => {
    window.told = [];
    window.AP.events.on('dialog.close', (data) => window.told.push(data));
  });
  asked.length = 0;
  const inside = await dialog(frame, { width: '500px', height: '300px', customData: { from: ['first', 1] } });
  assert.equal(asked[0].split('&')[0], `/choice?issue=${issue}`, 'a dialog is about what its opener is about');
  assert.ok(inside.url().startsWith(app), 'nothing of the site is around it');
  const { width, height } = await box().boundingBox();
  assert.deepEqual([width, height], [500, 300]);
  assert.equal(await box().getByRole('button').count(), 0, 'without chrome it has no buttons');
  assert.deepEqual(await inside.evaluate(() => new Promise((resolve) => { window.AP.dialog.getCustomData(resolve); })), { from: ['first', 1] });
  assert.equal((await inside.evaluate(() => window.AP.context.getContext())).jira.issue.key, issue);
  await inside.evaluate(() => window.AP.resize('100px', '100px'));
  assert.equal((await box().boundingBox()).width, 500, 'a dialog keeps its size');

  // What is asked by a frame that goes with its answer is asked a moment later.
  await inside.evaluate(() => { setTimeout(() => window.AP.dialog.close({ chosen: 7 }), 0); });
  assert.deepEqual(await closed(frame), [{ chosen: 7 }]);
  await until(frame, () => window.told.length > 0);
  assert.deepEqual(await frame.evaluate(() => window.told), [{ chosen: 7 }]);

  // By its opener, and once more from the beginning.
  await dialog(frame, { size: 'small' });
  assert.equal((await box().boundingBox()).width, 400);
  await frame.evaluate(() => window.AP.dialog.close('by the opener'));
  assert.deepEqual(await closed(frame), ['by the opener']);
  assertClean(page);
});

test('Escape leaves a dialog, in its frame and around it, unless its app says no', async () => {
  const frame = await opened('First panel', 'first');
  const inside = await dialog(frame, {});
  await inside.getByRole('heading').click();
  await page.keyboard.press('Escape');
  assert.deepEqual(await closed(frame), ['nothing']);

  await dialog(frame, { chrome: true });
  await box().getByRole('button', { name: 'Cancel' }).focus();
  await page.keyboard.press('Escape');
  assert.deepEqual(await closed(frame), ['nothing']);

  const kept = await dialog(frame, { chrome: true, closeOnEscape: false });
  await kept.getByRole('heading').click();
  await page.keyboard.press('Escape');
  await settled(kept);
  await box().getByRole('button', { name: 'Cancel' }).focus();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await settled(kept);
  assert.deepEqual(await frame.evaluate(() => window.endings), []);
  await box().getByRole('button', { name: 'Cancel' }).click();
  assert.deepEqual(await closed(frame), ['nothing']);
  assertClean(page);
});

test('a dialog with chrome has a header and two buttons, which its app decides about', async () => {
  const frame = await opened('First panel', 'first');
  const inside = await dialog(frame, { chrome: true, header: 'Choose one', submitText: 'Save' });
  await box().getByRole('heading', { name: 'Choose one' }).waitFor();
  const save = box().getByRole('button', { name: 'Save' });
  const cancel = box().getByRole('button', { name: 'Cancel' });
  await settled(inside);
  assert.equal(await save.isEnabled(), true, 'once the app is there');
  await inside.evaluate(() => window.AP.dialog.getButton('submit').disable());
  assert.equal(await save.isDisabled(), true);
  assert.equal(await inside.evaluate(() => window.AP.dialog.getButton('submit').isEnabled()), false);
  await inside.evaluate(() => window.AP.dialog.getButton('submit').enable());
  assert.equal(await save.isEnabled(), true);
  await inside.evaluate(() => window.AP.dialog.getButton('cancel').disable());
  assert.equal(await cancel.isEnabled(), true, 'a way out stays');
  assert.deepEqual(await inside.evaluate(() => window.AP.dialog.getButton('other')), {});
  await assertFits(page, 'a page with a dialog');
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/connect-dialog.png` });

  await inside.evaluate(() => {
    window.pressed = [];
    window.AP.events.on('dialog.submit', ({ button }) => window.pressed.push(`heard ${button.name}`));
    window.AP.dialog.getButton('submit').bind(() => {
      window.pressed.push('asked');
      return false;
    });
  });
  await save.click();
  await until(inside, () => window.pressed.length === 2);
  await settled(inside);
  assert.deepEqual(await inside.evaluate(() => window.pressed), ['heard submit', 'asked']);
  assert.equal(await box().count(), 1, 'the app said no');
  await save.click();
  assert.deepEqual(await closed(frame), ['nothing'], 'what is bound is asked once');
  assertClean(page);
});
