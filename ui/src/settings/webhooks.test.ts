import { describe, expect, it } from 'vitest';
import { edgeOf, healthOf, originOf } from './webhooks';

describe('webhooks', () => {
  it('tells how one does', () => {
    expect(healthOf({ state: 'on', failingSince: null })).toBe('good');
    expect(healthOf({ state: 'on', failingSince: '2026-11-22T09:00:00Z' })).toBe('failing');
    expect(healthOf({ state: 'paused', failingSince: null })).toBe('paused');
    expect(healthOf({ state: 'dead', failingSince: '2026-11-22T09:00:00Z' })).toBe('dead');
  });

  it('shows an address without what may be a secret in it', () => {
    expect(originOf('https://crm.example.com:8443/in?key=1')).toBe('crm.example.com:8443');
    expect(originOf('crm')).toBe('crm');
  });

  it('spans whole days', () => {
    expect(new Date(edgeOf('2026-11-22', 'end') ?? '').getTime() - new Date(edgeOf('2026-11-22', 'start') ?? '').getTime()).toBe(86_400_000 - 1);
    expect(edgeOf('', 'start')).toBeNull();
  });
});
