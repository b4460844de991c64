import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { form, LANGUAGES, signing } from './signing';

/** What stands in the document for the reader's own; its lines are run by a test of the server's. */
const of = { kid: '5f0c1d2e-8a3b-4c5d-9e6f-7a8b9c0d1e2f', audience: 'https://steward.example.com/portal/0193a6f2-7c00-7000-8000-000000000000/sign-in' };
const document = readFileSync(`${import.meta.dirname}/../../../docs/customer-sign-in.md`, 'utf8');

describe('what a site is told to do', () => {
  test.each(LANGUAGES.map((one) => one.id))('%s is what the document says', (language) => {
    expect(document).toContain(signing(language, of));
    expect(signing(language, of)).not.toMatch(/\{(kid|audience)\}/);
  });
  test('so is the form', () => {
    expect(document).toContain(form(of));
  });
});
