// How smooth a long table scrolls: frames over 50 ms are counted, while a wheel turns quickly, slowly, and while the scroll bar is
// dragged far. Run it against a demo with many customers:
//   steward demo --customers 100000 --json > demo.json
//   STEWARD_DEMO="$(cat demo.json)" node bench/frames.mjs [--json]
import { apiAs, launch, newPage, ticketUrl } from '../e2e/demo.mjs';

/** What a reader notices. */
const SLOW_MS = 50;
const WHEELS = { slow: { turns: 200, by: 120 }, quick: { turns: 200, by: 1_500 } };

const agent = await apiAs('agent');
const { total } = (await agent('GET', '/customers?limit=1')).body;
const browser = await launch();
const page = await newPage(browser, { width: 1440, height: 900 });
const opened = Date.now();
await page.goto(await ticketUrl('agent', '#/customers?view=all'));
await page.locator('.table-row').first().waitFor({ timeout: 60_000 });
const firstRowMs = Date.now() - opened;

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
const summary = ({ frames, long }) => {
  const sorted = [...frames].sort((a, b) => a - b);
  const at = (share) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { frames: frames.length, over50ms: frames.filter((ms) => ms > SLOW_MS).length, p50: at(0.5), p95: at(0.95), p99: at(0.99), longest: Math.round(sorted.at(-1) ?? 0), held: long.sort((a, b) => b.ms - a.ms).slice(0, 5) };
};

const results = {};
const table = page.locator('.table-scroll');
const settled = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
for (const [name, { turns, by }] of Object.entries(WHEELS)) {
  await table.evaluate((element) => element.scrollTo({ top: 0 }));
  await table.hover();
  await settled();
  await watch();
  for (let turn = 0; turn < turns; turn += 1) await page.mouse.wheel(0, by);
  await settled();
  results[name] = summary(await page.evaluate(() => globalThis.stopWatching()));
}
// To the end of what is loaded, again and again: each time a page more is there.
await watch();
for (let pull = 0; pull < 40; pull += 1) {
  await table.evaluate((element) => element.scrollTo({ top: element.scrollHeight }));
  await settled();
}
results.dragged = summary(await page.evaluate(() => globalThis.stopWatching()));
// All of them are chosen, and let go.
await page.locator('[data-cell]').first().focus();
await watch();
await page.keyboard.press('Control+a');
await settled();
await page.keyboard.press('Escape');
await settled();
results.chosen = summary(await page.evaluate(() => globalThis.stopWatching()));
const loaded = await page.locator('.list-count').innerText();
await browser.close();

if (process.argv.includes('--json')) console.log(JSON.stringify({ total, firstRowMs, results }));
else {
  console.log(`${total} customers; first row after ${firstRowMs} ms; ${loaded}`);
  for (const [name, r] of Object.entries(results)) {
    console.log(`${name.padEnd(8)} ${r.frames} frames, ${r.over50ms} over ${SLOW_MS} ms; p50 ${r.p50}, p95 ${r.p95}, p99 ${r.p99}, longest ${r.longest} ms`);
    for (const held of r.held) console.log(`           ${held.ms} ms (${held.blocking} blocking): ${held.scripts.join('; ')}`);
  }
}
