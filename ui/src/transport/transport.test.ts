import { beforeEach, describe, expect, test, vi } from 'vitest';
import { apiClient, must } from '../api/client';
import { calls } from '../api/calls';
import { ApiProblem, asProblem } from '../api/problem';
import { chooseTransport } from './index';
import { ConnectTransport, type ConnectBridge } from './connect';
import { ForgeTransport, type ForgeBridge } from './forge';
import { SessionTransport } from './session';
import { SignedOut, Unreachable } from './transport';

const get = { method: 'GET', path: '/api/v1/me', headers: { accept: 'application/json' } };

function bridge(answers: Record<string, unknown>): ForgeBridge & { asked: [string, unknown][] } {
  const asked: [string, unknown][] = [];
  return {
    asked,
    callBridge: (command, data) => {
      asked.push([command, data]);
      const answer = answers[command];
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
}

describe('the Forge bridge', () => {
  test('a call has the payload of invokeRemote, its body as JSON', async () => {
    const b = bridge({ invoke: { success: true, payload: { status: 200, headers: { ETag: ['"v2"'] }, body: { value: 1 } } } });
    const answer = await new ForgeTransport(b).request({ method: 'PUT', path: '/api/v1/x', headers: { 'if-match': '"v1"' }, body: '{"value":1}' });
    expect(b.asked).toEqual([['invoke', { path: '/api/v1/x', method: 'PUT', headers: { 'if-match': '"v1"', accept: 'application/json' }, body: { value: 1 }, invokeType: 'ui-remote-fetch' }]]);
    expect(answer).toEqual({ status: 200, headers: { etag: '"v2"' }, body: '{"value":1}' });
  });
  test('an error with a status is an answer', async () => {
    const b = bridge({ invoke: { success: false, error: { status: 412, headers: {}, body: '{"code":"conflict"}' } } });
    expect(await new ForgeTransport(b).request(get)).toEqual({ status: 412, headers: {}, body: '{"code":"conflict"}' });
  });
  test.each([
    ['a refusal of the host', { success: false, error: { message: 'no remote' } }],
    ['an error as text', { success: false, error: 'no remote' }],
    ['nothing', undefined],
    ['a bridge that fails', new Error('gone')],
  ])('%s is no answer', async (_what, invoke) => {
    await expect(new ForgeTransport(bridge({ invoke })).request(get)).rejects.toBeInstanceOf(Unreachable);
  });
  test('the context says page, issue, language and light; a host without theming is no error', async () => {
    const b = bridge({
      getContext: { moduleKey: 'customer-panel', locale: 'pt_BR', timezone: 'America/Sao_Paulo', theme: { colorMode: 'dark' }, extension: { issue: { id: '1', key: 'HELP-1' }, project: { id: '10000', key: 'HELP' } } },
      enableTheming: new Error('not here'),
    });
    expect(await new ForgeTransport(b).context()).toEqual({ moduleKey: 'customer-panel', issueKey: 'HELP-1', projectKey: 'HELP', locale: 'pt-BR', timeZone: 'America/Sao_Paulo', colorMode: 'dark' });
    expect(b.asked.map(([command]) => command)).toContain('enableTheming');
  });
  test.each([
    ['an address', { results: [{ key: 'backend', configured: { endpoint: 'https://steward.example.com/' } }] }, 'https://steward.example.com/'],
    ['none yet', { results: [{ key: 'backend', configured: { endpoint: null } }] }, null],
    ['a fixed one', { results: [] }, undefined],
  ])('the server: %s', async (_what, told, expected) => {
    const b = bridge({ __permission__remoteGet: told });
    expect(await new ForgeTransport(b).server.get()).toBe(expected);
    expect(b.asked).toEqual([['__permission__remoteGet', { keys: ['backend'] }]]);
  });
  test('the server is set with the payload of permissions.remote.set', async () => {
    const b = bridge({});
    await new ForgeTransport(b).server.set('https://steward.example.com');
    expect(b.asked).toEqual([['__permission__remoteSet', { remotes: [{ key: 'backend', configured: { endpoint: 'https://steward.example.com' } }] }]]);
    await expect(new ForgeTransport(bridge({ __permission__remoteSet: new Error('declined') })).server.set('https://x.example')).rejects.toThrow('declined');
  });
  test('it is chosen where the host put it, and only there', () => {
    expect(chooseTransport().kind).toBe('session');
    window.__bridge = bridge({});
    expect(chooseTransport().kind).toBe('forge');
    delete window.__bridge;
  });
});

describe('a page of Connect', () => {
  const ap: ConnectBridge = { context: { getToken: (callback) => { callback('a.b.c'); } }, user: { getLocale: (callback) => { callback('pt_BR'); } } };
  test('each call carries a token of the frame, and no cookie', async () => {
    const asked: RequestInit[] = [];
    vi.stubGlobal('fetch', (_path: string, init: RequestInit) => {
      asked.push(init);
      return Promise.resolve(Response.json({}));
    });
    expect((await new ConnectTransport(ap).request(get)).status).toBe(200);
    expect(asked[0]?.headers).toMatchObject({ authorization: 'JWT a.b.c', accept: 'application/json' });
    expect(asked[0]?.credentials).toBe('omit');
  });
  test('the address says page and issue, the host the language', async () => {
    window.history.replaceState(null, '', '/connect/customer-panel?issue=1&issueKey=HELP-1&jwt=x');
    expect(await new ConnectTransport(ap).context()).toEqual({ moduleKey: 'customer-panel', issueKey: 'HELP-1', projectKey: null, locale: 'pt-BR', timeZone: null, colorMode: null });
  });
  test('it is chosen on such a page alone', () => {
    window.AP = ap;
    window.history.replaceState(null, '', '/connect/customers-page');
    expect(chooseTransport().kind).toBe('connect');
    window.history.replaceState(null, '', '/app/');
    expect(chooseTransport().kind).toBe('session');
    delete window.AP;
  });
});

describe('the session of our own origin', () => {
  const asked: { path: string; init: RequestInit }[] = [];
  let answers: Record<string, () => Response>;
  const headersOf = (path: string) => asked.find((a) => a.path === path)?.init.headers as Record<string, string>;
  beforeEach(() => {
    asked.length = 0;
    window.history.replaceState(null, '', '/app/');
    vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
      asked.push({ path, init });
      const answer = answers[`${init.method ?? 'GET'} ${path}`];
      return answer ? Promise.resolve(answer()) : Promise.reject(new TypeError('no network'));
    });
  });

  test('a ticket is taken out of the address, changed for the session, and unsafe calls carry the token', async () => {
    window.history.replaceState(null, '', '/app/?ticket=secret#/customers/c-1');
    answers = { 'POST /api/v1/session': () => Response.json({ csrf: 'csrf-1' }), 'GET /api/v1/me': () => Response.json({}), 'PUT /api/v1/x': () => Response.json({}) };
    const transport = new SessionTransport();
    await transport.context();
    expect(window.location.href).not.toContain('secret');
    expect(window.location.hash).toBe('#/customers/c-1');
    expect(asked[0]?.init.body).toBe('{"ticket":"secret"}');
    await transport.request(get);
    await transport.request({ method: 'PUT', path: '/api/v1/x', headers: {}, body: '{}' });
    expect(headersOf('/api/v1/me')['x-csrf-token']).toBeUndefined();
    expect(headersOf('/api/v1/x')['x-csrf-token']).toBe('csrf-1');
    expect(asked.every((a) => a.init.credentials === 'same-origin')).toBe(true);
  });
  test('a later visit goes on with the session of its cookie', async () => {
    answers = { 'GET /api/v1/session': () => Response.json({ csrf: 'csrf-2' }), 'POST /api/v1/x': () => new Response(null, { status: 204 }) };
    const transport = new SessionTransport();
    await transport.context();
    await transport.request({ method: 'POST', path: '/api/v1/x', headers: {} });
    expect(headersOf('/api/v1/x')['x-csrf-token']).toBe('csrf-2');
  });
  test('the portal says which of the two sessions it has, and takes no ticket', async () => {
    window.history.replaceState(null, '', '/portal/?ticket=secret');
    answers = { 'GET /api/v1/session': () => Response.json({ csrf: 'csrf-3' }), 'PUT /api/v1/x': () => Response.json({}) };
    const transport = chooseTransport();
    expect(transport.portal).toBe(true);
    await transport.context();
    await transport.request({ method: 'PUT', path: '/api/v1/x', headers: {}, body: '{}' });
    expect(asked.map((a) => a.path)).toEqual(['/api/v1/session', '/api/v1/x']);
    for (const path of ['/api/v1/session', '/api/v1/x']) expect(headersOf(path)['x-steward-session']).toBe('customer');
    expect(headersOf('/api/v1/x')['x-csrf-token']).toBe('csrf-3');
    window.history.replaceState(null, '', '/app/');
    expect(chooseTransport().portal).toBe(false);
  });
  test('a used ticket is signed out, a server that fails is not', async () => {
    window.history.replaceState(null, '', '/app/?ticket=used');
    answers = { 'POST /api/v1/session': () => new Response('{}', { status: 401 }) };
    await expect(new SessionTransport().context()).rejects.toBeInstanceOf(SignedOut);
    window.history.replaceState(null, '', '/app/?ticket=used');
    answers = { 'POST /api/v1/session': () => new Response('{}', { status: 502 }) };
    await expect(new SessionTransport().context()).rejects.toBeInstanceOf(Unreachable);
  });
  test('no network is no answer', async () => {
    answers = {};
    await expect(new SessionTransport().request(get)).rejects.toBeInstanceOf(Unreachable);
  });
});

describe('the client over a transport', () => {
  const over = (status: number, body: unknown, headers: Record<string, string> = {}) => {
    const seen: { path: string; headers: Record<string, string>; body?: string | undefined }[] = [];
    const client = apiClient({
      kind: 'forge', context: () => Promise.reject(new Error('unused')), openTab: () => undefined,
      request: (r) => {
        seen.push(r);
        return Promise.resolve({ status, headers: { 'content-type': status >= 400 ? 'application/problem+json' : 'application/json', ...headers }, body: body === null ? '' : JSON.stringify(body) });
      },
    });
    return { client, seen, api: calls(client) };
  };
  test('a write names the version that it replaces', async () => {
    const { api, seen } = over(200, { fieldId: 'f', value: 1, version: 5, updatedAt: 'x', updatedBy: { accountId: 'a', displayName: 'A' } });
    await api.setValue({ entity: 'organization', id: 'o/1' }, 'f', 1, 4);
    expect(seen[0]?.path).toBe('/api/v1/organizations/o%2F1/values/f');
    expect(seen[0]?.headers['if-match']).toBe('"v4"');
    expect(seen[0]?.body).toBe('{"value":1}');
  });
  test('a problem document becomes a problem with what stands now', async () => {
    const current = { fieldId: 'f', value: 'x', version: 9, updatedAt: 'x', updatedBy: { accountId: 'a', displayName: null } };
    const { api } = over(412, { title: 'Precondition Failed', status: 412, code: 'conflict', detail: 'Changed.', requestId: 'r-1', current });
    const problem = asProblem(await api.setValue({ entity: 'customer', id: 'c' }, 'f', 1, 4).catch((e: unknown) => e));
    expect(problem).toMatchObject({ kind: 'conflict', detail: 'Changed.', requestId: 'r-1' });
    expect(problem.current?.updatedBy.displayName).toBe('Unknown person');
  });
  test('an answer of something between is known by its status; waiting is as asked', async () => {
    const { api } = over(503, 'upstream', { 'retry-after': '7' });
    expect(asProblem(await api.me().catch((e: unknown) => e))).toMatchObject({ kind: 'busy', retryAfterMs: 7000, passing: true });
  });
  test('an answer without a body is a success', async () => {
    const { client } = over(204, null);
    await expect(must(client.POST('/api/v1/fields/order', { body: { entity: 'customer', ids: [] } }))).resolves.toBeUndefined();
  });
  test('what is no problem of the API is broken', () => {
    expect(asProblem(new Error('x'))).toBeInstanceOf(ApiProblem);
    expect(asProblem(new Error('x')).kind).toBe('broken');
  });
});
