import { describe, expect, test } from 'vitest';
import { highlighted } from './highlight';

const marked = (text: string, wanted: string) => highlighted(text, wanted).map((p) => (p.found ? `[${p.text}]` : p.text)).join('');

describe('what was looked for', () => {
  test.each([
    ['Ana Ferreira', 'fer', 'Ana [Fer]reira'],
    ['Ana Ferreira', 'ferreira ana', '[Ana] [Ferreira]'],
    ['Zoë Müller', 'zoe mull', '[Zoë] [Müll]er'],
    ['ana.ferreira@example.com', 'ferreira', 'ana.[ferreira]@example.com'],
    ['Banana', 'ana', 'Banana'],
    ['Straße 12', 'stra 1', '[Stra]ße [1]2'],
    ['Ana', '', 'Ana'],
    ['', 'ana', ''],
    ['🚲 Bike', 'bike', '🚲 [Bike]'],
  ])('%s, by “%s”', (text, wanted, expected) => {
    expect(marked(text, wanted)).toBe(expected);
  });
  test('nothing of a text is lost', () => {
    for (const text of ['ﬁne İstanbul e\u0301', 'a  b\tc']) expect(highlighted(text, 'f i e b').map((p) => p.text).join('')).toBe(text);
  });
});
