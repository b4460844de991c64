/** What receivers of webhooks may be told, and how one does. Pure. */
import type { Webhook, WebhookEvent } from '../api/types';

/** In the order in which they are offered. Test messages are asked for, not listened to. */
export const WEBHOOK_EVENTS = [
  'customer.value.changed', 'organization.value.changed', 'organization.member.added', 'organization.member.removed',
  'organization.entitlement.added', 'organization.entitlement.changed', 'organization.entitlement.removed',
  'customer.merged', 'customer.unmerged',
  'field.defined', 'field.changed', 'field.retired', 'field.restored',
] as const satisfies readonly WebhookEvent[];

export type Health = 'good' | 'paused' | 'failing' | 'dead';

export function healthOf({ state, failingSince }: Pick<Webhook, 'state' | 'failingSince'>): Health {
  if (state === 'dead') return 'dead';
  if (state === 'paused') return 'paused';
  return failingSince ? 'failing' : 'good';
}

/** Where a message goes, without what may be a secret in the address. */
export function originOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}

/** The instant at which a day begins or ends on the reader's own clock. */
export function edgeOf(day: string, edge: 'start' | 'end'): string | null {
  const at = new Date(`${day}T${edge === 'start' ? '00:00:00.000' : '23:59:59.999'}`);
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
}
