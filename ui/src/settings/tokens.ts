/** How long an API token still lives, and what it may do. Pure: the present comes in. */
import type { Token, TokenScope } from '../api/types';

/** So long before its end a token is shown as ending: time enough to put a new one in its place. */
export const SOON_DAYS = 14;
const DAY_MS = 86_400_000;

export const TOKEN_SCOPES: readonly TokenScope[] = ['customers:read', 'customers:write', 'organizations:read', 'organizations:write', 'fields:read', 'fields:write', 'imports:write'];

/** Days that may be chosen; the server takes any number up to a year. */
export const LIVES = [7, 30, 90, 180, 365] as const;
export const LIFE_DEFAULT = 90;

export interface Life {
  state: 'good' | 'soon' | 'expired';
  /** Days that are left, begun ones counted; 0 when it has expired. */
  days: number;
}

export function lifeOf(token: Pick<Token, 'expiresAt'>, now: Date): Life {
  const left = new Date(token.expiresAt).getTime() - now.getTime();
  if (left <= 0) return { state: 'expired', days: 0 };
  const days = Math.ceil(left / DAY_MS);
  return { state: days <= SOON_DAYS ? 'soon' : 'good', days };
}

/** Those that end first come first; expired ones before them all. */
export function byExpiry<T extends Pick<Token, 'expiresAt' | 'name'>>(tokens: readonly T[]): T[] {
  return [...tokens].sort((a, b) => a.expiresAt.localeCompare(b.expiresAt) || a.name.localeCompare(b.name));
}

/** What is chosen, without what another choice brings with it. */
export function narrowed(scopes: readonly TokenScope[]): TokenScope[] {
  return TOKEN_SCOPES.filter((s) => scopes.includes(s) && !(s.endsWith(':read') && scopes.includes(s.replace(':read', ':write') as TokenScope)));
}

/** The day on which a token that is made now would end. */
export function endOf(days: number, now: Date): Date {
  return new Date(now.getTime() + days * DAY_MS);
}
