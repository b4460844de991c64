import { expect, test } from 'vitest';
import { numberText, parseNumber } from './number';

const rows: [string, string, number | null][] = [
  ['12.5', 'de-DE', 12.5], ['12,5', 'de-DE', 12.5], ['1.234', 'de-DE', 1234], ['1.234,5', 'de-DE', 1234.5], ['0.125', 'de-DE', 0.125], ['1.234.567', 'de-DE', 1234567],
  ['12.5', 'en-US', 12.5], ['1,234', 'en-US', 1234], ['1,234.5', 'en-US', 1234.5], ['1.234', 'en-US', 1.234], ['12,5', 'en-US', 12.5], ['1 234,5', 'fr-FR', 1234.5], ['1’234.5', 'de-CH', 1234.5],
  ['-3', 'en-US', -3], ['−3,5', 'sv-SE', -3.5], ['.5', 'en-US', 0.5], ['٣', 'ar-EG', Number.NaN], ['', 'en-US', null], ['  ', 'en-US', null],
  ['1.2.3', 'en-US', Number.NaN], ['12a', 'en-US', Number.NaN], ['-', 'en-US', Number.NaN], ['.', 'en-US', Number.NaN], ['1,23,456', 'en-US', Number.NaN], ['1e5', 'en-US', Number.NaN],
];
test.each(rows)('“%s” in %s is %d', (text, locale, number) => {
  expect(parseNumber(text, locale)).toBe(number);
});

test('what is shown for editing is read back as the same number', () => {
  for (const locale of ['en-US', 'de-DE', 'fr-FR', 'de-CH', 'sv-SE', 'hi-IN', 'ar-EG']) {
    for (const number of [0, 1250.5, -0.125, 0.1234567, 1234, 1.234, 9007199254740991]) expect(parseNumber(numberText(number, locale), locale), `${number} in ${locale}`).toBe(number);
  }
});
