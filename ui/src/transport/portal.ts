/** The customers' portal: a page of our own origin whose reader came with the word of their own site, and has a session of its own kind. */
export const PORTAL = '/portal/';

export function onPortal(): boolean {
  return window.location.pathname.startsWith(PORTAL);
}
