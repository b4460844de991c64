/** Says a text to screen readers, through two live regions that stand in the page from the start. */
type Urgency = 'polite' | 'assertive';

const listeners = new Set<(text: string, urgency: Urgency) => void>();

export function announce(text: string, urgency: Urgency = 'polite'): void {
  for (const listener of listeners) listener(text, urgency);
}

export function onAnnounce(listener: (text: string, urgency: Urgency) => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
