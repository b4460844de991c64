// A table of everybody, opened and scrolled from its top to its bottom in Chromium, and what the main thread and the frames
// took meanwhile, as Chromium's own trace tells it.
//
//   STEWARD_DEMO="$(cat FILE)" node bench/frames.mjs [ROUNDS]      (FILE: what `steward demo --json --customers 100000` printed)
//
// Prints one line of JSON a round and a summary. Rows that are not there when they come into view are counted too: a table that
// shows nothing is smooth for nobody.
import { chromium } from 'playwright-core';
import { newPage, ticketUrl } from '../e2e/demo.mjs';

const LIMIT_MS = 50;
const SECONDS = 6;
const rounds = Number(process.argv[2] ?? 5);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

/** The longest tasks of the page's main thread, and the time from one frame to the next, in ms. */
function read(trace) {
  const { traceEvents: events } = JSON.parse(trace.toString());
  const main = events.find((e) => e.name === 'thread_name' && e.args.name === 'CrRendererMain' && events.some((f) => f.pid === e.pid && f.tid === e.tid && f.name === 'RunTask' && f.dur > 5_000));
  const own = events.filter((e) => e.pid === main.pid && e.tid === main.tid && e.ph === 'X');
  const tasks = own.filter((e) => e.name === 'RunTask' || e.name === 'ThreadControllerImpl::RunTask').map((e) => e.dur / 1000);
  const drawn = events.filter((e) => e.pid === main.pid && e.name === 'DrawFrame').map((e) => e.ts / 1000).sort((a, b) => a - b);
  return { tasks, drawn };
}

const most = (list) => (list.length ? Math.max(...list) : 0);
const at = (list, part) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))] ?? 0;

async function trace(page, work) {
  await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline', 'disabled-by-default-devtools.timeline.frame'] });
  const result = await work();
  return { ...read(await browser.stopTracing()), result };
}

/** Scrolls the table down without a rest, as a hand on the bar would, and looks at each frame whether its rows are there. */
const scroll = (page, seconds) => page.evaluate(async (millis) => {
  const box = [...document.querySelectorAll('*')].filter((e) => e.scrollHeight > e.clientHeight + 1000 && /auto|scroll/.test(getComputedStyle(e).overflowY)).sort((a, b) => b.scrollHeight - a.scrollHeight)[0] ?? document.scrollingElement;
  const whole = box.scrollHeight - box.clientHeight;
  const since = performance.now();
  const gaps = [];
  let before = since;
  let bare = 0;
  let looked = 0;
  while (performance.now() - since < millis) {
    const now = await new Promise((done) => { requestAnimationFrame(done); });
    gaps.push(now - before);
    before = now;
    box.scrollTop = whole * Math.min(1, (now - since) / millis);
    looked += 1;
    const middle = box.getBoundingClientRect();
    const under = document.elementFromPoint(middle.left + middle.width / 3, middle.top + middle.height / 2);
    if (!under?.closest('.table-row')) bare += 1;
  }
  return { pixels: whole, gaps, bare, looked };
}, seconds * 1000);

const figures = [];
for (let round = 0; round < rounds; round += 1) {
  const page = await newPage(browser, { width: 1400, height: 900 });
  const url = await ticketUrl('agent', '#/customers?view=all');
  const begun = performance.now();
  const opened = await trace(page, async () => {
    await page.goto(url);
    await page.locator('.table-row').nth(10).waitFor();
    await page.waitForTimeout(500);
    return performance.now() - begun - 500;
  });
  // The first turn of a list may lay everything out for the first time: both are counted.
  const scrolled = await trace(page, () => scroll(page, SECONDS));
  const between = scrolled.drawn.slice(1).map((ts, place) => ts - scrolled.drawn[place]);
  const figure = {
    openedMs: Math.round(opened.result), openLongestTaskMs: Math.round(most(opened.tasks)),
    scrolledPixels: scrolled.result.pixels, frames: scrolled.drawn.length,
    longestTaskMs: Math.round(most(scrolled.tasks)), longestFrameMs: Math.round(most(between)), frame99Ms: Math.round(at(between, 0.99)),
    longestGapMs: Math.round(most(scrolled.result.gaps.slice(1))), over50: between.filter((ms) => ms > LIMIT_MS).length,
    bare: `${scrolled.result.bare} of ${scrolled.result.looked}`,
  };
  figures.push(figure);
  console.log(JSON.stringify(figure));
  await page.context().close();
}
await browser.close();
const of = (key) => figures.map((figure) => figure[key]);
console.log(`longest task while opened: ${most(of('openLongestTaskMs'))} ms; scrolled: longest frame ${most(of('longestFrameMs'))} ms, longest task ${most(of('longestTaskMs'))} ms, ${of('over50').reduce((a, b) => a + b, 0)} frames over ${LIMIT_MS} ms of ${of('frames').reduce((a, b) => a + b, 0)}`);
