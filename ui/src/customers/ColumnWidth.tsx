/** The edge of a column's head: dragged by pointer, moved by arrows, set back by a double click or by Backspace. */
import { useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import { t } from '../messages';
import { NARROWEST_PX, STEP_PX, WIDEST_PX } from './layout';

interface Props {
  name: string;
  width: number;
  /** Null: as wide as the table makes it. */
  onWidth: (width: number | null) => void;
}

export function ColumnWidth({ name, width, onWidth }: Props) {
  const from = useRef<{ x: number; width: number; sign: 1 | -1 } | null>(null);
  const [dragging, setDragging] = useState(false);
  const sign = (element: Element) => (getComputedStyle(element).direction === 'rtl' ? -1 : 1);
  const down = (event: PointerEvent<HTMLElement>) => {
    event.preventDefault();
    event.stopPropagation();
    event.currentTarget.setPointerCapture(event.pointerId);
    // What is seen is dragged: an elastic column may be wider than it asks for.
    from.current = { x: event.clientX, width: event.currentTarget.parentElement?.offsetWidth ?? width, sign: sign(event.currentTarget) };
    setDragging(true);
  };
  const move = (event: PointerEvent<HTMLElement>) => {
    if (from.current) onWidth(from.current.width + from.current.sign * (event.clientX - from.current.x));
  };
  const up = () => {
    from.current = null;
    setDragging(false);
  };
  const key = (event: KeyboardEvent<HTMLElement>) => {
    const seen = event.currentTarget.parentElement?.offsetWidth ?? width;
    const by = event.key === 'ArrowRight' ? STEP_PX : event.key === 'ArrowLeft' ? -STEP_PX : 0;
    if (by !== 0) onWidth(seen + by * sign(event.currentTarget));
    else if (event.key === 'Home') onWidth(NARROWEST_PX);
    else if (event.key === 'Backspace' || event.key === 'Delete') onWidth(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <span role="separator" aria-orientation="vertical" aria-label={t('table.column.width', { name })} aria-valuemin={NARROWEST_PX} aria-valuemax={WIDEST_PX} aria-valuenow={Math.round(width)} tabIndex={0}
      className="column-width" data-dragging={dragging || undefined} draggable={false} onPointerDown={down} onPointerMove={move} onPointerUp={up} onPointerCancel={up} onDoubleClick={() => onWidth(null)} onKeyDown={key} />
  );
}
