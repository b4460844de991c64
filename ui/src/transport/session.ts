/**
 * Our own origin: same-origin fetch with the session cookie. A one-time ticket in the address is changed for the
 * session on the first visit; a later visit asks for the CSRF token of the session that the cookie names.
 */
import type { Downloaded, HostContext, Transport, TransportRequest, TransportResponse } from './transport';
import { SignedOut, Unreachable } from './transport';

/** Longer than any answer of ours; a request that takes longer is shown as failed, to be tried again. */
const TIMEOUT_MS = 25_000;
/** A file of a whole site is made while it is sent. */
const DOWNLOAD_TIMEOUT_MS = 600_000;
const SESSION = '/api/v1/session';
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

function csrfOf(answer: TransportResponse): string | null {
  return (JSON.parse(answer.body) as { csrf?: string }).csrf ?? null;
}

export class SessionTransport implements Transport {
  readonly kind = 'session';
  private csrf: string | null = null;

  constructor(readonly portal = false) {}

  async request(request: TransportRequest): Promise<TransportResponse> {
    const headers = { ...request.headers };
    if (!SAFE_METHODS.has(request.method) && this.csrf) headers['x-csrf-token'] = this.csrf;
    return this.send({ ...request, headers });
  }

  async context(): Promise<HostContext> {
    await this.begin();
    return { moduleKey: null, issueKey: null, projectKey: null, locale: null, timeZone: null, colorMode: null };
  }

  async download(path: string, body: string): Promise<Downloaded> {
    const headers = { 'content-type': 'application/json', ...(this.csrf ? { 'x-csrf-token': this.csrf } : {}) };
    try {
      const response = await fetch(path, { method: 'POST', headers, body, credentials: 'same-origin', cache: 'no-store', signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS) });
      return { status: response.status, headers: Object.fromEntries(response.headers), file: await response.blob() };
    } catch (cause) {
      throw new Unreachable('the file did not arrive whole', { cause });
    }
  }

  openTab(url: string): void {
    window.open(url, '_blank', 'noopener');
  }

  /** Takes the ticket out of the address before anything else, so that no history or bookmark keeps it. */
  private async begin(): Promise<void> {
    const url = new URL(window.location.href);
    const ticket = url.searchParams.get('ticket');
    if (!ticket || this.portal) {
      const answer = await this.send({ method: 'GET', path: SESSION, headers: { accept: 'application/json' } });
      // Without a session the first call of the page says so.
      if (answer.status === 200) this.csrf = csrfOf(answer);
      return;
    }
    url.searchParams.delete('ticket');
    window.history.replaceState(null, '', url);
    const answer = await this.send({
      method: 'POST',
      path: SESSION,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ ticket }),
    });
    if (answer.status >= 500) throw new Unreachable(`the session could not be opened (${answer.status})`);
    if (answer.status >= 400) throw new SignedOut('the ticket was used before or is too old');
    this.csrf = csrfOf(answer);
  }

  private async send(request: TransportRequest): Promise<TransportResponse> {
    let response: Response;
    try {
      response = await fetch(request.path, {
        method: request.method,
        // An agent of the same browser has a session beside it: a page says which of the two it is.
        headers: this.portal ? { ...request.headers, 'x-steward-session': 'customer' } : request.headers,
        ...(request.body === undefined ? {} : { body: request.body }),
        credentials: 'same-origin',
        cache: 'no-store',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
    } catch (cause) {
      throw new Unreachable('no answer from the server', { cause });
    }
  }
}
