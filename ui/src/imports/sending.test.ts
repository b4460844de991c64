import { expect, test } from 'vitest';
import { ApiProblem } from '../api/problem';
import type { Import } from '../api/types';
import { base64Of, sendFile } from './sending';

const begun = { id: 'i', parts: 0, bytes: 0 } as Import;

/** A server that keeps what arrives, and whose first answer to a part may get lost. */
function server(loses: boolean) {
  const kept: string[] = [];
  let lost = 0;
  const sendImportPart = (_id: string, part: number, base64: string): Promise<Import> => {
    if (part === kept.length) kept.push(atob(base64));
    if (loses && part === 1 && lost++ === 0) return Promise.reject(new ApiProblem('unreachable', 'no answer'));
    return Promise.resolve({ ...begun, parts: kept.length, bytes: kept.join('').length });
  };
  return { kept, sendImportPart };
}

test('bytes survive base64, whatever they are', async () => {
  const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => i % 256);
  expect(Uint8Array.from(atob(await base64Of(new Blob([bytes]))), (c) => c.charCodeAt(0))).toEqual(bytes);
});

test.each([[false], [true]])('a file arrives whole, each part once (an answer gets lost: %s)', async (loses) => {
  const text = Array.from({ length: 70_000 }, (_, i) => `line ${String(i)}`).join('\n');
  const s = server(loses);
  const seen: number[] = [];
  await sendFile(s, begun, new Blob([text]), (bytes) => seen.push(bytes), () => false);
  expect(s.kept.join('')).toBe(text);
  expect(s.kept.length).toBeGreaterThan(2);
  expect(seen.at(-1)).toBe(text.length);
});

test('it goes on from what the server has, and stops when it is told', async () => {
  const s = server(false);
  const text = 'x'.repeat(700_000);
  let stopped = false;
  const half = await sendFile(s, begun, new Blob([text]), () => { stopped = true; }, () => stopped);
  expect(half.bytes).toBe(300_000);
  await sendFile(s, half, new Blob([text]), () => undefined, () => false);
  expect(s.kept.join('')).toBe(text);
});

test('a refusal is not tried again', async () => {
  let tries = 0;
  const sendImportPart = () => { tries += 1; return Promise.reject(new ApiProblem('invalid', 'too large')); };
  await expect(sendFile({ sendImportPart }, begun, new Blob(['x']), () => undefined, () => false)).rejects.toBeInstanceOf(ApiProblem);
  expect(tries).toBe(1);
});
