// Imports in the settings: a file is dropped, its columns are chosen, the report says what would change, it is carried out and undone;
// wide and narrow, light and dark.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { apiAs, assertAccessible, assertClean, assertFits, jira, launch, newPage, ticketUrl, unique } from './demo.mjs';

const name = unique('Plan of an import');
let admin;
let browser;
let page;
let field;
let people;

async function visit(options) {
  const opened = await newPage(browser, options);
  await opened.goto(await ticketUrl('admin', '#/settings/imports'));
  await opened.locator('.drop').waitFor();
  return opened;
}

/** Chooses a file of these rows. */
async function choose(on, fileName, rows) {
  const file = { name: fileName, mimeType: 'text/csv', buffer: Buffer.from(`${rows.join('\r\n')}\r\n`) };
  await on.locator('input[type=file]').setInputFiles(file);
}

/** Where somebody looks at the pages themselves, a picture of each. */
const shot = async (on, what) => {
  if (process.env.STEWARD_SHOTS) await on.screenshot({ path: `${process.env.STEWARD_SHOTS}/${what}.png`, fullPage: true });
};

const button = (text) => page.getByRole('button', { name: text });

before(async () => {
  browser = await launch();
  admin = await apiAs('admin');
  field = (await admin('POST', '/fields', { entity: 'customer', type: 'text', name })).body;
  people = (await admin('GET', '/customers?limit=3')).body.items;
  page = await visit();
});
after(async () => {
  await admin('DELETE', `/fields/${field.id}`, undefined, { 'if-match': `"v${(await admin('GET', `/fields/${field.id}`)).body.version}"` });
  assertClean(page);
  await browser?.close();
});

test('before any, the page says what it is and takes a file', async () => {
  await page.getByText('Drop a CSV file here').waitFor();
  await assertAccessible(page, 'imports');
  await shot(page, 'imports');
});

test('columns are guessed and shown beside their first rows', async () => {
  const rows = [`Account ID;Name;${name}`, ...people.map((p, i) => `${p.accountId};${p.displayName};Gold ${i}`), `nobody;x;${'y'.repeat(300)}`, 'short'];
  await choose(page, 'plans.csv', rows);
  await page.getByRole('heading', { name: 'plans.csv' }).waitFor();
  await page.locator('.import-columns tbody tr').nth(2).waitFor();
  assert.match(await page.locator('.import-columns tbody tr').first().innerText(), /Account ID/);
  assert.match(await page.locator('.import-columns tbody tr').nth(2).innerText(), /Gold 0/);
  await assertAccessible(page, 'columns of an import');
  await shot(page, 'imports-columns');
});

test('the dry run says row by row what would change', async () => {
  await button('Start dry run').click();
  await button('Import 3 rows').waitFor();
  assert.equal(await page.locator('.import-row').count(), 3);
  assert.match(await page.locator('.import-row').first().innerText(), /Line 2[\s\S]*Gold 0/);
  await shot(page, 'imports-report');
  await page.getByRole('radio', { name: /Refused/ }).click();
  await page.getByText('Jira knows no person of this account id.').waitFor();
  assert.equal(await page.locator('.import-row').count(), 2);
  await assertAccessible(page, 'report of an import');
  await shot(page, 'imports-refused');
});

test('columns can be changed, and the way back is there', async () => {
  await button('Change columns').click();
  await button('Back to the report').click();
  await button('Import 3 rows').waitFor();
});

test('the report leaves as a file', async () => {
  const [file] = await Promise.all([page.waitForEvent('download'), button('Download report').click()]);
  assert.equal(file.suggestedFilename(), 'import-report.csv');
});

test('it is carried out, and history says so', async () => {
  await button('Import 3 rows').click();
  await page.getByText('3 values written').first().waitFor();
  const { body } = await admin('GET', `/customers/${people[0].accountId}/history?field=${field.id}`);
  assert.ok(body.items.find((c) => c.fieldId === field.id).by.importId);
  await assertAccessible(page, 'an import that is done');
  await shot(page, 'imports-done');
});

test('it is undone', async () => {
  await button('Undo import').click();
  await page.locator('.window-foot').getByRole('button', { name: 'Undo import' }).click();
  await page.getByText('3 values went back').first().waitFor();
  const { body } = await admin('GET', `/customers/${people[0].accountId}/values`);
  assert.equal(body.values.find((v) => v.fieldId === field.id).value, null);
  await page.getByRole('link', { name: 'All imports' }).click();
  await page.locator('.token', { hasText: 'plans.csv' }).first().getByText('Undone').waitFor();
});

const makes = 'Make them in Jira';
const newcomers = [1, 2].map((n) => `${unique('new').replaceAll(/[^a-z0-9]/gi, '').toLowerCase()}${n}@example.com`);

test('who is not in Jira yet is refused, unless one says that they are made', async () => {
  await choose(page, 'sign-ups.csv', [`E-mail,Name,${name}`, `${newcomers[0]},Ada Newcomer,Gold`, `${newcomers[1]},Grace Newcomer,Silver`, `no address,Nobody,Gold`]);
  await page.getByRole('heading', { name: 'sign-ups.csv' }).waitFor();
  const off = page.getByRole('switch', { name: makes });
  await off.waitFor();
  assert.equal(await off.isChecked(), false);
  await button('Start dry run').click();
  await page.getByText('Nothing would change.').waitFor();
  await button('Change columns').click();
  await page.locator('.switch', { hasText: makes }).click();
  const projects = page.locator('.import-places .checkbox');
  await projects.first().waitFor();
  await projects.first().click();
  await page.getByRole('combobox', { name: 'Organization', exact: true }).click();
  await page.getByRole('option').first().click();
  await assertAccessible(page, 'columns of an import that makes customers');
  await shot(page, 'imports-make');
  await button('Start dry run').click();
  await page.getByText('Jira makes 2 customers.').waitFor();
  assert.equal(await page.locator('.import-row').count(), 2);
  await assertAccessible(page, 'report of an import that makes customers');
  await shot(page, 'imports-make-report');
});

test('they are made, listed, and lose their access with the import', async () => {
  await button('Import 2 rows').click();
  await page.getByText('2 customers made').first().waitFor();
  await page.getByRole('link', { name: 'Ada Newcomer' }).waitFor();
  const { body } = await admin('GET', `/customers?search=${encodeURIComponent(newcomers[0])}`);
  assert.equal(body.items[0].displayName, 'Ada Newcomer');
  assert.equal(body.items[0].organizations.length, 1);
  await assertAccessible(page, 'an import that made customers');
  await shot(page, 'imports-made');
  await button('Undo import').click();
  await page.locator('.window .checkbox').click();
  await assertAccessible(page, 'undoing an import that made customers');
  await shot(page, 'imports-made-undo');
  await page.locator('.window-foot').getByRole('button', { name: 'Undo import' }).click();
  await page.getByText('2 values went back').first().waitFor();
  await page.getByText(/Access taken away|Keeps access/).first().waitFor();
  await shot(page, 'imports-made-undone');
  const after = await admin('GET', `/customers/${body.items[0].accountId}`);
  assert.deepEqual(after.body.organizations, []);
  await page.getByRole('link', { name: 'All imports' }).click();
});

/** A header that nobody can guess a field from, so that one has to choose; and who is in the file but not in Jira. */
const header = unique('Level of old');
const oldLevels = `${unique('old-levels')}.csv`;
const later = [1, 2, 3].map((n) => `${unique('later').replaceAll(/[^a-z0-9]/gi, '').toLowerCase()}${n}@example.com`);
const target = () => page.getByRole('button', { name: `${header} is` });

test('an import is paused while Jira is slow, outlives a reload, and goes on where it stopped', async (context) => {
  // Held up until other faults are put in place.
  const slow = { requests: [{ do: 'slow', ms: 120_000, method: 'POST', path: '/rest/servicedeskapi/customer', next: 1 }] };
  const unfaulted = () => fetch(`${jira}/sandbox/faults`, { method: 'DELETE' });
  context.after(unfaulted);
  await choose(page, oldLevels, [`E-mail,Name,${header}`, ...later.map((address, n) => `${address},Later Newcomer,Old ${n}`)]);
  await page.getByRole('heading', { name: oldLevels }).waitFor();
  assert.match(await target().innerText(), /Left out/);
  await target().click();
  await page.getByRole('option', { name }).click();
  await page.locator('.switch', { hasText: makes }).click();
  await button('Start dry run').click();
  await button('Import 3 rows').waitFor();
  assert.equal((await fetch(`${jira}/sandbox/faults`, { method: 'PUT', body: JSON.stringify(slow) })).status, 200);
  await button('Import 3 rows').click();
  await button('Pause').click();
  await page.locator('.lozenge', { hasText: 'Paused' }).waitFor();
  await assertAccessible(page, 'a paused import');
  await shot(page, 'imports-paused');
  await unfaulted();
  await page.reload();
  await page.locator('.lozenge', { hasText: 'Paused' }).waitFor();
  await button('Go on').click();
  await page.getByText('3 customers made').first().waitFor();
  await page.locator('.lozenge', { hasText: 'Imported' }).waitFor();
  for (const [n, address] of later.entries()) {
    const { body } = await admin('GET', `/customers?query=${encodeURIComponent(`email = "${address}"`)}`);
    assert.equal(body.items.length, 1, `${address} was made once`);
    const values = (await admin('GET', `/customers/${encodeURIComponent(body.items[0].accountId)}/values`)).body.values;
    assert.equal(values.find((v) => v.fieldId === field.id).value, `Old ${n}`);
  }
});

test('a file with the same headers is read as then, but makes nobody unless one says so again', async () => {
  await page.getByRole('link', { name: 'All imports' }).click();
  await page.locator('.drop').waitFor();
  await choose(page, 'older-levels.csv', [`E-mail,Name,${header}`, `${later[0]},Later Newcomer,Older`, 'somebody.else@example.com,Somebody Else,Older']);
  await page.getByRole('heading', { name: 'older-levels.csv' }).waitFor();
  await page.getByText('A file with these headers was imported before: read as then.').waitFor();
  assert.ok((await target().innerText()).includes(name), 'the column is what it was');
  assert.equal(await page.getByRole('switch', { name: makes }).isChecked(), false);
  await assertAccessible(page, 'columns that are remembered');
  await shot(page, 'imports-remembered');
  await button('Start dry run').click();
  await button('Import 1 row').waitFor();
  assert.match(await page.locator('.import-row').first().innerText(), /Old 0 becomes Older|Old 0[\s\S]*Older/);
  await button('Cancel import').click();
  await page.locator('.window-foot').getByRole('button', { name: 'Cancel import' }).click();
  await page.locator('.lozenge', { hasText: 'Cancelled' }).waitFor();
  // Whom the paused one made is left as whom the one before made.
  await page.getByRole('link', { name: 'All imports' }).click();
  await page.getByRole('link', { name: oldLevels, exact: true }).click();
  await button('Undo import').click();
  await page.locator('.window-foot').getByRole('button', { name: 'Undo import' }).click();
  await page.getByText('3 values went back').first().waitFor();
  await page.getByRole('link', { name: 'All imports' }).click();
});

/** Leaves an import that was only looked at. */
const cancelled = async () => {
  await button('Cancel import').click();
  await page.locator('.window-foot').getByRole('button', { name: 'Cancel import' }).click();
  await page.locator('.lozenge', { hasText: 'Cancelled' }).waitFor();
  await page.getByRole('link', { name: 'All imports' }).click();
  await page.locator('.drop').waitFor();
};
/** Bytes of Windows-1252: letters of German and French stand there as in Latin-1. */
const latin = (rows) => Buffer.from(`${rows.join('\r\n')}\r\n`, 'latin1');
const select = async (label, option) => {
  await page.getByRole('button', { name: label }).click();
  await page.getByRole('option', { name: option, exact: true }).click();
};
const chosenOf = async (label) => (await page.getByRole('button', { name: label }).innerText()).trim();
const samples = async (at) => (await page.locator('.import-columns tbody tr').nth(at).locator('.import-sample').allInnerTexts());

test('how a file is written is guessed, and said otherwise where the guess is wrong: characters and what is between cells', async () => {
  // Commas within the cells make them look like what is between.
  await page.locator('input[type=file]').setInputFiles({ name: 'western.csv', mimeType: 'text/csv', buffer: latin([`Account ID;${name}`, `${people[0].accountId};Größe, klein, Süd`, `${people[1].accountId};Café, Zürich, Nord`]) });
  await page.getByRole('heading', { name: 'western.csv' }).waitFor();
  await page.locator('.import-columns tbody tr').first().waitFor();
  assert.match(await chosenOf(/Characters/), /Windows-1252/);
  await select(/Between cells/, 'Semicolon');
  await page.waitForFunction(() => document.querySelectorAll('.import-columns tbody tr').length === 2);
  assert.deepEqual(await samples(1), ['Größe, klein, Süd', 'Café, Zürich, Nord']);
  await select(/Between cells/, 'Tab');
  await page.waitForFunction(() => document.querySelectorAll('.import-columns tbody tr').length === 1);
  await select(/Between cells/, 'Semicolon');
  await page.waitForFunction(() => document.querySelectorAll('.import-columns tbody tr').length === 2);
  // As UTF-8 its bytes are no letters: such rows are none to be shown.
  await select(/Characters/, 'UTF-8');
  await page.locator('.import-sample', { hasText: 'Größe' }).waitFor({ state: 'detached' });
  await shot(page, 'imports-wrong-characters');
  await assertAccessible(page, 'a file that is read in other characters');
  await select(/Characters/, 'Windows-1252, Latin-1');
  await page.locator('.import-sample', { hasText: 'Größe' }).waitFor();
  await button('Start dry run').click();
  await button('Import 2 rows').waitFor();
  assert.match(await page.locator('.import-rows').innerText(), /Größe, klein, Süd[\s\S]*Café, Zürich, Nord/);
  await cancelled();
});

/** Makes a field for one test, and retires it after. */
async function fieldFor(context, wanted) {
  const made = await admin('POST', '/fields', { audience: 'agents', ...wanted });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  context.after(async () => {
    const { etag } = await admin('GET', `/fields/${made.body.id}`);
    await admin('DELETE', `/fields/${made.body.id}`, undefined, { 'if-match': etag });
  });
  return made.body;
}

test('dates and numbers are read as one says that they are written', async (context) => {
  const renewal = await fieldFor(context, { entity: 'customer', type: 'date', name: unique('Renewal of a file') });
  const hours = await fieldFor(context, { entity: 'customer', type: 'number', name: unique('Hours of a file') });
  const rows = [`Account ID;${renewal.name};${hours.name}`, `${people[0].accountId};01/02/2026;1.234,5`, `${people[1].accountId};03/04/2026;0,5`];
  await choose(page, 'forms.csv', rows);
  await page.getByRole('heading', { name: 'forms.csv' }).waitFor();
  await page.locator('.import-columns tbody tr').nth(2).waitFor();
  const to = async (dates, numbers) => {
    await select(/^Dates|Dates$/, dates);
    await select(/^Numbers|Numbers$/, numbers);
    await button('Start dry run').click();
    await button('Change columns').waitFor();
  };
  // As the file does not write them: nothing is guessed.
  await to('2026-01-31', '1,234.5');
  await page.getByText('Nothing would change.').waitFor();
  await page.getByRole('radio', { name: /^2\s*Refused/ }).click();
  await page.locator('.import-row').nth(1).waitFor();
  await assertAccessible(page, 'rows whose dates are written otherwise');
  await button('Change columns').click();
  await to('01/31/2026', '1.234,5');
  await button('Import 2 rows').waitFor();
  assert.match(await page.locator('.import-row').first().innerText(), /2 Jan 2026|2026-01-02/);
  await button('Change columns').click();
  await to('31.01.2026, 31/01/2026', '1.234,5');
  await button('Import 2 rows').waitFor();
  assert.match(await page.locator('.import-row').first().innerText(), /1 Feb 2026|2026-02-01/);
  await button('Import 2 rows').click();
  await page.getByText('4 values written').first().waitFor();
  for (const [person, day, number] of [[people[0], '2026-02-01', 1234.5], [people[1], '2026-04-03', 0.5]]) {
    const { values } = (await admin('GET', `/customers/${encodeURIComponent(person.accountId)}/values`)).body;
    assert.deepEqual([renewal, hours].map(({ id }) => values.find((v) => v.fieldId === id).value), [day, number]);
  }
  await page.getByRole('link', { name: 'All imports' }).click();
  await page.locator('.drop').waitFor();
});

test('organizations are imported by id and by name; who is nobody is refused, and it is undone', async (context) => {
  const dock = await fieldFor(context, { entity: 'organization', type: 'text', name: unique('Dock of a file') });
  const [first, second] = (await admin('GET', '/organizations?limit=2')).body.items;
  const held = async ({ id }) => (await admin('GET', `/organizations/${id}/values`)).body.values.find((v) => v.fieldId === dock.id)?.value ?? null;
  await page.locator('.radio', { hasText: 'Organizations' }).click();
  await choose(page, 'docks.csv', [`Organization ID,${dock.name}`, `${first.id},Gate 1`, '999999,Gate 2']);
  await page.getByRole('heading', { name: 'docks.csv' }).waitFor();
  await page.locator('.import-columns tbody tr').nth(1).waitFor();
  assert.match(await page.locator('.import-columns tbody tr').first().innerText(), /Organization ID/);
  assert.equal(await page.getByRole('switch', { name: makes }).count(), 0, 'nobody is made of organizations');
  await assertAccessible(page, 'columns of an import of organizations');
  await button('Start dry run').click();
  await button('Import 1 row').waitFor();
  assert.match(await page.locator('.import-row').first().innerText(), new RegExp(`${first.id}[\\s\\S]*Gate 1`));
  await page.getByRole('radio', { name: /^1\s*Refused/ }).click();
  await page.locator('.import-row', { hasText: 'Line 3' }).waitFor();
  await button('Import 1 row').click();
  await page.getByText('1 value written').first().waitFor();
  assert.equal(await held(first), 'Gate 1');
  await shot(page, 'imports-organizations');
  await button('Undo import').click();
  await page.locator('.window-foot').getByRole('button', { name: 'Undo import' }).click();
  await page.getByText('1 value went back').first().waitFor();
  assert.equal(await held(first), null);
  await page.getByRole('link', { name: 'All imports' }).click();
  await page.locator('.drop').waitFor();

  await page.locator('.radio', { hasText: 'Organizations' }).click();
  await choose(page, 'docks by name.csv', [`Name,${dock.name}`, `${second.name},Gate 3`, 'Nobody & Sons,Gate 4']);
  await page.getByRole('heading', { name: 'docks by name.csv' }).waitFor();
  await button('Start dry run').click();
  await button('Import 1 row').waitFor();
  assert.match(await page.locator('.import-row').first().innerText(), new RegExp(`${second.name}[\\s\\S]*Gate 3`));
  await cancelled();
  assert.equal(await held(second), null);
});

for (const [theme, width] of [['dark', 1280], ['light', 360], ['dark', 360]]) {
  test(`it fits and is readable: ${theme}, ${width} wide`, async () => {
    const narrow = await visit({ colorScheme: theme, width });
    await assertFits(narrow, `imports ${theme} ${width}`);
    await choose(narrow, 'again.csv', [`Account ID,${name}`, `${people[0].accountId},Silver`, `${people[1].accountId},Bronze`]);
    await narrow.locator('.import-columns tbody tr').nth(1).waitFor();
    await assertFits(narrow, `columns ${theme} ${width}`);
    await narrow.locator('.switch', { hasText: makes }).click();
    await narrow.locator('.import-places .checkbox').first().waitFor();
    await assertFits(narrow, `columns ${theme} ${width}`);
    await shot(narrow, `imports-columns-${theme}-${width}`);
    await narrow.locator('.switch', { hasText: makes }).click();
    await narrow.getByRole('button', { name: 'Start dry run' }).click();
    await narrow.getByRole('button', { name: 'Import 2 rows' }).waitFor();
    await assertFits(narrow, `report ${theme} ${width}`);
    await assertAccessible(narrow, `report ${theme} ${width}`);
    await shot(narrow, `imports-report-${theme}-${width}`);
    await narrow.getByRole('button', { name: 'Cancel import' }).click();
    await narrow.locator('.window-foot').getByRole('button', { name: 'Cancel import' }).click();
    await narrow.locator('.lozenge', { hasText: 'Cancelled' }).waitFor();
    assertClean(narrow);
    await narrow.close();
  });
}

test('a file that holds nothing is refused in words', async () => {
  const other = await visit();
  await choose(other, 'empty.csv', ['']);
  await other.getByText('The file holds no row, not even a header.', { exact: false }).waitFor();
  await other.getByRole('button', { name: 'Cancel import' }).click();
  await other.locator('.window-foot').getByRole('button', { name: 'Cancel import' }).click();
  await other.locator('.lozenge', { hasText: 'Cancelled' }).waitFor();
  await other.close();
});
