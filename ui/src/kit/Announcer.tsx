import { useEffect, useState } from 'react';
import { onAnnounce } from './announce';

/** The live regions of `announce`. The trailing no-break space makes the same text twice be read twice. */
export function Announcer() {
  const [said, setSaid] = useState({ polite: '', assertive: '' });
  useEffect(() => {
    return onAnnounce((text, urgency) => setSaid((was) => ({ ...was, [urgency]: was[urgency] === text ? `${text}\u00a0` : text })));
  }, []);
  return (
    <>
      <div className="visually-hidden" role="status" aria-live="polite" data-testid="announcer">{said.polite}</div>
      <div className="visually-hidden" role="alert" aria-live="assertive">{said.assertive}</div>
    </>
  );
}
