/** Signing in and out on our own origin. The server knows the site; the page remembers where its reader was. */

/** The server sends the browser on to the site where it signed in last. */
export const SIGN_IN = '/sign-in';

const PAGE = 'steward.page';

/** Keeps the page that is shown, for after signing in. A browser that keeps nothing loses no more than the place. */
export function rememberPage(): void {
  try {
    sessionStorage.setItem(PAGE, window.location.hash);
  } catch {
    // Storage may be switched off.
  }
}

/** Goes back to it, once. */
export function returnToPage(): void {
  try {
    const hash = sessionStorage.getItem(PAGE);
    sessionStorage.removeItem(PAGE);
    if (hash && !window.location.hash) window.location.replace(hash);
  } catch {
    // Storage may be switched off.
  }
}
