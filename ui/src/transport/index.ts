import { ForgeTransport, forgeBridge } from './forge';
import { SessionTransport } from './session';
import type { Transport } from './transport';

export type { Downloaded, HostContext, Transport, TransportRequest, TransportResponse } from './transport';
export { SignedOut, Unreachable } from './transport';

/** The bridge if we are in Jira's frame, else our own origin. */
export function chooseTransport(): Transport {
  const bridge = forgeBridge();
  return bridge ? new ForgeTransport(bridge) : new SessionTransport();
}
