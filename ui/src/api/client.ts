/** The typed client over the transport. Knows nothing of pages. */
import createClient from 'openapi-fetch';
import type { Transport } from '../transport';
import { problemOf } from './problem';
import type { paths } from './schema';
import { settled } from './types';

/** A Response may not carry a body with these. */
const BODILESS = new Set([204, 205, 304]);

/** `fetch` for openapi-fetch, through the transport. */
export function fetchOver(transport: Transport): (request: Request) => Promise<Response> {
  return async (request) => {
    const url = new URL(request.url);
    const text = await request.text();
    const answer = await transport.request({
      method: request.method,
      path: url.pathname + url.search,
      headers: Object.fromEntries(request.headers),
      ...(text ? { body: text } : {}),
    });
    return new Response(BODILESS.has(answer.status) ? null : answer.body, { status: answer.status, headers: answer.headers });
  };
}

export function apiClient(transport: Transport) {
  return createClient<paths>({
    baseUrl: window.location.origin,
    fetch: fetchOver(transport),
    headers: { accept: 'application/json, application/problem+json' },
  });
}

export type ApiClient = ReturnType<typeof apiClient>;

interface Outcome<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of a call, or its problem thrown. */
export async function must<T>(call: Promise<Outcome<T>>): Promise<ReturnType<typeof settled<T>>> {
  const { data, error, response } = await call;
  if (!response.ok) throw problemOf(response.status, settled(error), response.headers.get('retry-after'));
  return settled(data as T);
}

/** Versions travel as entity tags: `"v7"`. */
export function etag(version: number): string {
  return `"v${version}"`;
}
