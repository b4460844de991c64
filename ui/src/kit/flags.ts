/** Short messages that outlive the control they came from, with at most one thing to do. */
import { UNSTABLE_ToastQueue as ToastQueue } from 'react-aria-components';

export interface Flag {
  text: string;
  tone: 'success' | 'error' | 'info';
  action?: { label: string; run: () => void } | undefined;
}

/** Long enough to read and to reach Undo by keyboard; the timer stops while the flag has focus or the pointer. */
const SHOWN_MS = 10_000;
const MOST_AT_ONCE = 3;

export const flags = new ToastQueue<Flag>({ maxVisibleToasts: MOST_AT_ONCE });

/** Errors stay until they are dismissed. */
export function showFlag(flag: Flag): void {
  flags.add(flag, flag.tone === 'error' ? {} : { timeout: SHOWN_MS });
}
