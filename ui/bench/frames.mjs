// How smooth a long table opens and scrolls, as Chromium's own trace has it: while it opens, while a wheel turns slowly and quickly,
// while the scroll bar is dragged far, and while all rows are chosen. Frames over 50 ms are counted between one and the next, and
// tasks over 50 ms on the page's main thread, which are what makes them. `make frames` runs it against a demo of 100,000 customers.
import { apiAs, launch, newPage, ticketUrl } from '../e2e/demo.mjs';

/** What a reader notices. */
const SLOW_MS = 50;
const WHEELS = { slow: { turns: 200, by: 120 }, quick: { turns: 200, by: 1_500 } };

/** Of so many customers, once all are there; without a number, of whoever is. */
const wanted = Number(process.argv[process.argv.indexOf('--customers') + 1]) || 0;
const patience = Date.now() + 600_000 + wanted * 10;
let total = 0;
for (;;) {
  const agent = await apiAs('agent');
  total = (await agent('GET', '/customers?limit=1')).body.total;
  if (total >= wanted) break;
  if (Date.now() > patience) throw new Error(`only ${total} of ${wanted} customers are there`);
  await new Promise((done) => { setTimeout(done, 5_000); });
}
const browser = await launch();
const page = await newPage(browser, { width: 1440, height: 900 });

/** What a trace says of the page's main thread, and of frames that came too late for their turn of the screen. */
function traced(buffer) {
  const { traceEvents } = JSON.parse(buffer.toString());
  const main = new Set(traceEvents.filter((e) => e.name === 'thread_name' && e.args?.name === 'CrRendererMain').map((e) => `${e.pid}/${e.tid}`));
  const tasks = traceEvents.filter((e) => e.name === 'RunTask' && e.ph === 'X' && main.has(`${e.pid}/${e.tid}`)).map((e) => e.dur / 1_000);
  if (tasks.length === 0) throw new Error('the trace has no task of a main thread: Chromium names them otherwise now');
  const frames = traceEvents.filter((e) => e.name === 'PipelineReporter').map((e) => e.args?.chrome_frame_reporter ?? e.args?.frame_reporter).filter(Boolean);
  return {
    tasks: tasks.length, tasksOver50ms: tasks.filter((ms) => ms > SLOW_MS).length, longestTask: Math.round(Math.max(...tasks)),
    shown: frames.filter(({ state }) => state?.startsWith('STATE_PRESENTED')).length, late: frames.filter((f) => f.state === 'STATE_DROPPED' && f.affects_smoothness).length,
  };
}
const CATEGORIES = ['devtools.timeline', 'disabled-by-default-devtools.timeline', 'disabled-by-default-devtools.timeline.frame', 'toplevel', 'cc', 'benchmark'];
const trace = () => browser.startTracing(page, { categories: CATEGORIES });
const results = {};

const address = await ticketUrl('agent', '#/customers?view=all');
await trace();
const opened = Date.now();
await page.goto(address);
await page.locator('.table-row').first().waitFor({ timeout: 60_000 });
const firstRowMs = Date.now() - opened;
await page.waitForTimeout(1_000);
results.opened = { trace: traced(await browser.stopTracing()) };

/** Counts frames, and what held the long ones, from now on. */
const watch = () => page.evaluate(() => {
  const seen = { frames: [], long: [] };
  let last = performance.now();
  let going = true;
  const tick = (now) => {
    seen.frames.push(now - last);
    last = now;
    if (going) requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) seen.long.push({ ms: Math.round(entry.duration), blocking: Math.round(entry.blockingDuration), scripts: entry.scripts.map((s) => `${s.invoker} ${Math.round(s.duration)}`).slice(0, 3) });
  });
  observer.observe({ type: 'long-animation-frame' });
  globalThis.stopWatching = () => {
    going = false;
    observer.disconnect();
    return seen;
  };
});
const ended = async () => {
  const { frames, long } = await page.evaluate(() => globalThis.stopWatching());
  const sorted = [...frames].sort((a, b) => a - b);
  const at = (share) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { frames: frames.length, over50ms: frames.filter((ms) => ms > SLOW_MS).length, p50: at(0.5), p95: at(0.95), p99: at(0.99), longest: Math.round(sorted.at(-1) ?? 0), held: long.sort((a, b) => b.ms - a.ms).slice(0, 5), trace: traced(await browser.stopTracing()) };
};

const table = page.locator('.table-scroll');
const settled = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
for (const [name, { turns, by }] of Object.entries(WHEELS)) {
  await table.evaluate((element) => element.scrollTo({ top: 0 }));
  await table.hover();
  await settled();
  await trace();
  await watch();
  for (let turn = 0; turn < turns; turn += 1) await page.mouse.wheel(0, by);
  await settled();
  results[name] = await ended();
}
// To the end of what is loaded, again and again: each time a page more is there.
await trace();
await watch();
for (let pull = 0; pull < 40; pull += 1) {
  await table.evaluate((element) => element.scrollTo({ top: element.scrollHeight }));
  await settled();
}
results.dragged = await ended();
// All of them are chosen, and let go.
await page.locator('[data-cell]').first().focus();
await trace();
await watch();
await page.keyboard.press('Control+a');
await settled();
await page.keyboard.press('Escape');
await settled();
results.chosen = await ended();
const loaded = await page.locator('.list-count').innerText();
await browser.close();

if (process.argv.includes('--json')) console.log(JSON.stringify({ total, firstRowMs, results }));
else {
  console.log(`${total} customers; first row after ${firstRowMs} ms; ${loaded}`);
  for (const [name, r] of Object.entries(results)) {
    if (r.frames) console.log(`${name.padEnd(8)} ${r.frames} frames, ${r.over50ms} over ${SLOW_MS} ms; p50 ${r.p50}, p95 ${r.p95}, p99 ${r.p99}, longest ${r.longest} ms`);
    console.log(`${name.padEnd(8)} trace: ${r.trace.tasks} tasks, ${r.trace.tasksOver50ms} over ${SLOW_MS} ms, longest ${r.trace.longestTask} ms; ${r.trace.shown} frames shown, ${r.trace.late} late`);
    for (const held of r.held ?? []) console.log(`           ${held.ms} ms (${held.blocking} blocking): ${held.scripts.join('; ')}`);
  }
}
