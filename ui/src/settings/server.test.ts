import { describe, expect, test } from 'vitest';
import type { Transport, TransportResponse } from '../transport';
import { Unreachable } from '../transport';
import { reach, readAddress } from './server';

describe('what somebody types', () => {
  test.each([
    ['https://steward.example.com', { origin: 'https://steward.example.com' }],
    ['  https://Steward.Example.com/  ', { origin: 'https://steward.example.com' }],
    ['steward.example.com:8443', { origin: 'https://steward.example.com:8443' }],
    ['http://127.0.0.1:7801', { origin: 'http://127.0.0.1:7801' }],
    ['', { wrong: 'missing' }],
    ['   ', { wrong: 'missing' }],
    ['https://', { wrong: 'address' }],
    ['not an address', { wrong: 'address' }],
    ['https://me:secret@steward.example.com', { wrong: 'address' }],
    ['http://steward.example.com', { wrong: 'secure' }],
    ['ftp://steward.example.com', { wrong: 'secure' }],
    ['https://steward.example.com/app/', { wrong: 'path' }],
    ['https://steward.example.com/?a=b', { wrong: 'path' }],
  ])('%j', (typed, expected) => {
    expect(readAddress(typed)).toEqual(expected);
  });
});

describe('whether it is there', () => {
  const answering = (answer: TransportResponse | Error): Transport => ({
    kind: 'forge',
    request: () => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)),
    context: () => Promise.reject(new Error('not asked')),
    openTab: () => undefined,
  });
  const ours = (status: number) => ({ status, headers: {}, body: '{"code":"any","title":"any"}' });
  test.each([
    ['us', { status: 200, headers: {}, body: '{"accountId":"a","role":"admin"}' }, { state: 'joined' }],
    ['another server that is content', { status: 200, headers: {}, body: '{}' }, { state: 'other', status: 200 }],
    ['another server', { status: 404, headers: {}, body: '{"message":"no"}' }, { state: 'other', status: 404 }],
    ['a proxy', { status: 502, headers: {}, body: '<html>' }, { state: 'other', status: 502 }],
    ['an app that is not ours', ours(401), { state: 'unknown_app' }],
    ['a site that may not join', ours(404), { state: 'unknown_app' }],
    ['too much to do', ours(503), { state: 'busy' }],
    ['nobody', new Unreachable('the host did not pass the call on', { cause: new Error('timed out') }), { state: 'unreachable', reason: 'timed out' }],
    ['a page that Jira does not pass on', new Unreachable('no', { cause: new Error('Invalid response from remote - content-type header must be set to application/json and is currently: text/html. Status: 404.') }), { state: 'other', status: 404 }],
    ['nobody, without a reason', new Unreachable('no answer'), { state: 'unreachable', reason: 'no answer' }],
  ])('%s', async (_who, answer, expected) => {
    expect(await reach(answering(answer))).toEqual(expected);
  });
});
