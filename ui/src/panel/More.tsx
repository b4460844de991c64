import { tn } from '../messages';

/** How many more there are than are shown: whoever reads to the end of a list knows whether it is the end. */
export function More({ of, count }: { of: 'people' | 'organizations'; count: number }) {
  if (count === 0) return null;
  return <p className="panel-more">{tn(`panel.${of}.more`, count)}</p>;
}
