import { describe, expect, test } from 'vitest';
import { ofEach, theOne } from './people';

const called = (accountId: string) => ({ accountId, displayName: 'Ana Silva' });

describe('who a pasted text means', () => {
  test('is one person, or nobody: never the first of several', () => {
    expect(theOne([called('a')])).toEqual({ value: 'a' });
    expect(theOne([])).toHaveProperty('wrong', expect.stringContaining('account id'));
    expect(theOne([called('a'), called('b')])).toHaveProperty('wrong', expect.stringContaining('Several'));
  });
  test('is asked once for each text, few at a time', async () => {
    let [asking, most] = [0, 0];
    const asked: string[] = [];
    const found = await ofEach([...Array(40).keys(), ...Array(40).keys()].map(String), async (text) => {
      asked.push(text);
      most = Math.max(most, (asking += 1));
      await Promise.resolve();
      asking -= 1;
      return `${text}!`;
    });
    expect(asked).toHaveLength(40);
    expect(most).toBeLessThanOrEqual(6);
    expect(found.get('39')).toBe('39!');
  });
  test('fails as a whole when one answer does', async () => {
    await expect(ofEach(['a', 'b'], (text) => (text === 'b' ? Promise.reject(new Error('busy')) : Promise.resolve(text)))).rejects.toThrow('busy');
  });
});
