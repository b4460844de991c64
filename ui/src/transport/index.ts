import { ConnectTransport, connectBridge } from './connect';
import { ForgeTransport, forgeBridge } from './forge';
import { onPortal } from './portal';
import { SessionTransport } from './session';
import type { Transport } from './transport';

export type { Downloaded, HostContext, ServerAddress, Transport, TransportRequest, TransportResponse } from './transport';
export { SignedOut, Unreachable } from './transport';

/** The bridge if we are in a frame of Jira's, Forge's or Connect's, else our own origin. */
export function chooseTransport(): Transport {
  const bridge = forgeBridge();
  if (bridge) return new ForgeTransport(bridge);
  const connect = connectBridge();
  return connect ? new ConnectTransport(connect) : new SessionTransport(onPortal());
}
