/** Where the server is, and whether it is there: what was typed, and what a first call came back with. */
import type { Transport } from '../transport';
import { Unreachable } from '../transport';

export type Typed = { origin: string } | { wrong: 'missing' | 'address' | 'secure' | 'path' };

/** Longest that a host name with its port can be, with room for the scheme. */
export const LONGEST_ADDRESS = 300;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** An origin of what somebody typed or pasted; a missing scheme is https. */
export function readAddress(text: string): Typed {
  const typed = text.trim();
  if (typed === '') return { wrong: 'missing' };
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(typed) ? typed : `https:${typed}`;
  if (!URL.canParse(whole)) return { wrong: 'address' };
  const url = new URL(whole);
  if (url.username || url.password || !url.hostname) return { wrong: 'address' };
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.test(url.hostname))) return { wrong: 'secure' };
  if (url.pathname !== '/' || url.search || url.hash) return { wrong: 'path' };
  return { origin: url.origin };
}

export type Reached =
  | { state: 'joined' }
  /** It is Steward, and does not take this app's calls. */
  | { state: 'unknown_app' }
  /** It is Steward, and cannot serve now. */
  | { state: 'busy' }
  /** Something answers there; it is not Steward. */
  | { state: 'other'; status: number }
  /** No answer came; the host's own reason. */
  | { state: 'unreachable'; reason: string };

/** Steward's problem documents have a code; what a proxy or another server answers has none. */
function isOurs(body: string): boolean {
  try {
    const told: unknown = JSON.parse(body);
    return typeof told === 'object' && told !== null && 'code' in told;
  } catch {
    return false;
  }
}

/** Asks the server who we are, as every page does first. */
export async function reach(transport: Transport): Promise<Reached> {
  try {
    const { status, body } = await transport.request({ method: 'GET', path: '/api/v1/me', headers: { accept: 'application/json' } });
    if (status === 200) return body.includes('"role"') ? { state: 'joined' } : { state: 'other', status };
    if (!isOurs(body)) return { state: 'other', status };
    return status === 401 || status === 403 || status === 404 ? { state: 'unknown_app' } : { state: 'busy' };
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    const reason = (error.cause instanceof Error ? error.cause.message : error.message).replace(/[.\s]+$/, '');
    // Jira passes on nothing but JSON; of anything else it says the status.
    const answered = /content-type.*Status: (\d{3})$/s.exec(reason);
    return answered ? { state: 'other', status: Number(answered[1]) } : { state: 'unreachable', reason };
  }
}
