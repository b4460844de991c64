/**
 * A page of Connect's: calls go straight to our own origin, each with a context token that the Jira around us gives. The
 * script that speaks with Jira (`AP`) is put into the page by our server, which knows where it is.
 */
import type { HostContext, Transport, TransportRequest, TransportResponse } from './transport';
import { Unreachable } from './transport';

/** Longer than any answer of ours. */
const TIMEOUT_MS = 25_000;
/** A Jira that does not answer its own frame is shown as unreachable, to be tried again. */
const BRIDGE_MS = 10_000;

export interface ConnectBridge {
  context: { getToken(callback: (token: string) => void): unknown };
  user?: { getLocale?(callback: (locale: string) => void): unknown; getTimeZone?(callback: (zone: string) => void): unknown };
}

declare global {
  interface Window {
    AP?: ConnectBridge;
  }
}

/** The bridge of this frame, if this is a page of Connect's. */
export function connectBridge(): ConnectBridge | undefined {
  return window.location.pathname.startsWith('/connect/') && typeof window.AP?.context.getToken === 'function' ? window.AP : undefined;
}

function asked<T>(ask: (callback: (answer: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => { reject(new Unreachable('Jira does not answer this frame')); }, BRIDGE_MS);
    ask((answer) => {
      clearTimeout(late);
      resolve(answer);
    });
  });
}

export class ConnectTransport implements Transport {
  readonly kind = 'connect';

  constructor(private readonly bridge: ConnectBridge) {}

  async request(request: TransportRequest): Promise<TransportResponse> {
    const token = await asked<string>((callback) => this.bridge.context.getToken(callback));
    try {
      const response = await fetch(request.path, {
        method: request.method,
        headers: { ...request.headers, authorization: `JWT ${token}` },
        ...(request.body === undefined ? {} : { body: request.body }),
        credentials: 'omit',
        cache: 'no-store',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
    } catch (cause) {
      throw new Unreachable('no answer from the server', { cause });
    }
  }

  async context(): Promise<HostContext> {
    const said = new URL(window.location.href);
    const { user } = this.bridge;
    // Both are a courtesy of the host's: without them the browser's own serve.
    const [locale, timeZone] = await Promise.all([
      user?.getLocale ? asked<string>((callback) => user.getLocale?.(callback)).catch(() => null) : null,
      user?.getTimeZone ? asked<string>((callback) => user.getTimeZone?.(callback)).catch(() => null) : null,
    ]);
    return {
      moduleKey: said.pathname.split('/').pop() ?? null,
      projectKey: null,
      issueKey: said.searchParams.get('issueKey') ?? said.searchParams.get('issue'),
      locale: locale ? locale.replaceAll('_', '-') : null,
      timeZone: timeZone ?? null,
      colorMode: null,
    };
  }

  openTab(url: string): void {
    window.open(url, '_blank', 'noopener');
  }
}
