import { expect, test } from 'vitest';
import { countryChoices } from './countries';

test('countries are named and ordered in the reader’s language', () => {
  const german = countryChoices('de');
  expect(german.find((one) => one.id === 'DE')).toEqual({ id: 'DE', label: 'Deutschland', detail: 'DE' });
  expect(new Set(german.map((one) => one.id)).size).toBe(german.length);
  expect(german.length).toBeGreaterThan(240);
  const labels = countryChoices('en').map((one) => one.label);
  expect(labels.indexOf('Austria')).toBeLessThan(labels.indexOf('Belgium'));
});
