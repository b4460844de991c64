// What a table shows leaves as a file in each format, from the lists of customers and of organizations.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { inflateRawSync } from 'node:zlib';
import { apiAs, assertAccessible, assertClean, demo, launch, newPage, ticketUrl, unique } from './demo.mjs';

const PLAN = unique('Plan');
const SEATS = unique('Seats');
const DOCK = unique('Dock');
let browser;
let admin;
let page;
const fields = {};

const { accountId, displayName } = demo.users.customer;

/** The files of a ZIP, as text, by their names: read by its own list at the end. */
function unzipped(bytes) {
  const end = bytes.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  const files = new Map();
  let at = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left -= 1) {
    const [method, size, name, extra, comment, offset] = [bytes.readUInt16LE(at + 10), bytes.readUInt32LE(at + 20), bytes.readUInt16LE(at + 28), bytes.readUInt16LE(at + 30), bytes.readUInt16LE(at + 32), bytes.readUInt32LE(at + 42)];
    const from = offset + 30 + bytes.readUInt16LE(offset + 26) + bytes.readUInt16LE(offset + 28);
    const held = bytes.subarray(from, from + size);
    files.set(bytes.toString('utf8', at + 46, at + 46 + name), (method === 0 ? held : inflateRawSync(held)).toString('utf8'));
    at += 46 + name + extra + comment;
  }
  return files;
}

/** The cells of a workbook's first sheet, row by row. */
function cellsOf(files) {
  const plain = (xml) => xml.replace(/<[^>]+>/g, '').replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&quot;/g, '"').replace(/&apos;/g, "'").replace(/&amp;/g, '&');
  const shared = [...(files.get('xl/sharedStrings.xml') ?? '').matchAll(/<si>([\s\S]*?)<\/si>/g)].map((m) => plain(m[1]));
  return [...files.get('xl/worksheets/sheet1.xml').matchAll(/<row[^>]*>([\s\S]*?)<\/row>/g)].map((row) => {
    const cells = [];
    // Empty cells are left out: each says its place. No table here has more than 26 columns.
    for (const [, about, held = ''] of row[1].matchAll(/<c\b([^>]*?)(?:\/>|>([\s\S]*?)<\/c>)/g)) {
      cells[/\br="([A-Z])\d+"/.exec(about)[1].charCodeAt(0) - 65] = /t="s"/.test(about) ? shared[Number(plain(held))] : plain(held);
    }
    return Array.from(cells, (text) => text ?? '');
  });
}

async function exported(format) {
  await page.getByRole('button', { name: 'Export' }).click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: format }).click()]);
  await page.locator('.flag', { hasText: `${download.suggestedFilename()} is downloaded` }).first().waitFor();
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

async function open(hash) {
  await page.goto(await ticketUrl('agent', hash));
  await page.locator('.table-row').first().waitFor();
}

const show = async (...names) => {
  await page.getByRole('button', { name: 'Columns' }).click();
  for (const name of names) await page.locator('.column-item', { hasText: name }).locator('.checkbox').click();
  await page.keyboard.press('Escape');
};

before(async () => {
  browser = await launch();
  admin = await apiAs('admin');
  for (const [name, entity, more] of [[PLAN, 'customer', { type: 'select', options: [{ label: 'Gold & "more" <1>' }] }], [SEATS, 'customer', { type: 'number' }], [DOCK, 'organization', { type: 'text' }]]) {
    const made = await admin('POST', '/fields', { entity, name, audience: 'agents', ...more });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    fields[name] = made.body;
  }
  const put = async (path, name, value) => {
    const written = await admin('PUT', `${path}/values/${fields[name].id}`, { value }, { 'if-match': '"v0"' });
    assert.equal(written.status, 200, JSON.stringify(written.body));
  };
  await put(`/customers/${encodeURIComponent(accountId)}`, PLAN, fields[PLAN].options[0].id);
  await put(`/customers/${encodeURIComponent(accountId)}`, SEATS, 12.5);
  page = await newPage(browser);
});
after(async () => {
  for (const { id } of Object.values(fields)) {
    const { etag } = await admin('GET', `/fields/${id}`);
    await admin('DELETE', `/fields/${id}`, undefined, { 'if-match': etag });
  }
  assertClean(page);
  await browser?.close();
});

test('customers leave as a workbook: what the query finds, with the columns of the table, numbers as numbers', async () => {
  await open(`#/customers?view=all&query=${encodeURIComponent(`"${PLAN}" IS NOT EMPTY`)}`);
  await show(PLAN, SEATS);
  const { name, bytes } = await exported('Excel (XLSX)');
  assert.match(name, /^customers-\d{4}-\d\d-\d\d\.xlsx$/);
  const files = unzipped(bytes);
  const [head, ...rows] = cellsOf(files);
  assert.deepEqual(head, ['Account ID', 'Name', 'E-mail', 'Organizations', 'Time zone', PLAN, SEATS]);
  assert.equal(rows.length, 1);
  assert.deepEqual([rows[0][0], rows[0][1], ...rows[0].slice(-2)], [accountId, displayName, 'Gold & "more" <1>', '12.5']);
  assert.match(files.get('xl/worksheets/sheet1.xml'), /<v>12\.5<\/v>/, 'a number, not a text');
});

test('customers leave as JSON, each with its values', async () => {
  const { name, bytes } = await exported('JSON');
  assert.match(name, /^customers-\d{4}-\d\d-\d\d\.json$/);
  const { columns, items: rows } = JSON.parse(bytes.toString('utf8'));
  assert.deepEqual(columns.slice(-2).map((column) => column.name), [PLAN, SEATS]);
  assert.equal(rows.length, 1);
  assert.deepEqual([rows[0].accountId, rows[0].name, rows[0][fields[PLAN].id], rows[0][fields[SEATS].id]], [accountId, displayName, 'Gold & "more" <1>', 12.5]);
});

test('organizations leave from their list in each format, in the order of the table', async () => {
  const [first, second] = (await admin('GET', '/organizations?limit=2')).body.items;
  for (const [organization, value] of [[first, '=1+1'], [second, 'Gate, "2"']]) {
    assert.equal((await admin('PUT', `/organizations/${organization.id}/values/${fields[DOCK].id}`, { value }, { 'if-match': '"v0"' })).status, 200);
  }
  await open(`#/organizations?view=all&query=${encodeURIComponent(`"${DOCK}" IS NOT EMPTY ORDER BY name DESC`)}`);
  assert.equal(await page.locator('.table-row').count(), 2);
  await show(DOCK);
  await assertAccessible(page, 'the organizations that leave');
  const csv = await exported('CSV');
  assert.match(csv.name, /^organizations-\d{4}-\d\d-\d\d\.csv$/);
  const [head, one, two] = csv.bytes.toString('utf8').replace(/^\uFEFF/, '').trim().split('\r\n');
  assert.match(head, new RegExp(`^Organization ID,Name,Members,.*${DOCK}$`));
  assert.ok(one.startsWith(`${second.id},`) && one.endsWith('"Gate, ""2"""'), one);
  // A formula in a spreadsheet would be carried out.
  assert.ok(two.startsWith(`${first.id},`) && !/,"?=1\+1"?$/.test(two) && two.includes('=1+1'), two);
  const workbook = await exported('Excel (XLSX)');
  assert.match(workbook.name, /^organizations-.*\.xlsx$/);
  const rows = cellsOf(unzipped(workbook.bytes));
  assert.deepEqual(rows.map((row) => row[0]), ['Organization ID', second.id, first.id]);
  assert.ok(!/<f>/.test(unzipped(workbook.bytes).get('xl/worksheets/sheet1.xml')), 'no cell is a formula');
  const json = await exported('JSON');
  const items = JSON.parse(json.bytes.toString('utf8')).items;
  assert.deepEqual(items.map((item) => [item.id, item[fields[DOCK].id]]), [[second.id, 'Gate, "2"'], [first.id, '=1+1']]);
});
