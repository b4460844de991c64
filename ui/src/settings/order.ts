/** The order of fields under their sections, and moving within it. Pure. */
import type { Field, Section } from '../api/types';

/** null stands for the place of fields without a section. */
export interface Shelf {
  sectionId: string | null;
  fieldIds: string[];
}

const byPosition = (a: { position: number }, b: { position: number }) => a.position - b.position;

/** All sections, also empty ones, after the fields without one. */
export function shelves(fields: Field[], sections: Section[]): Shelf[] {
  const known = new Set(sections.map((s) => s.id));
  const ordered = [...fields].sort(byPosition);
  const on = (sectionId: string | null) => ordered.filter((f) => (f.sectionId && known.has(f.sectionId) ? f.sectionId : null) === sectionId).map((f) => f.id);
  return [null, ...[...sections].sort(byPosition).map((s) => s.id)].map((sectionId) => ({ sectionId, fieldIds: on(sectionId) }));
}

export interface Target {
  sectionId: string | null;
  /** Beside which field; null for the end of the section. */
  fieldId: string | null;
  place: 'before' | 'after';
}

/** The shelves after `ids` were moved to the target, in the order that they had. */
export function moved(all: Shelf[], ids: string[], target: Target): Shelf[] {
  const moving = all.flatMap((s) => s.fieldIds).filter((id) => ids.includes(id));
  // Dropped on one of themselves, they gather where the nearest field that stays is.
  return all.map((shelf) => {
    const rest = shelf.fieldIds.filter((id) => !moving.includes(id));
    if (shelf.sectionId !== target.sectionId) return { ...shelf, fieldIds: rest };
    let at = rest.length;
    if (target.fieldId !== null && moving.includes(target.fieldId)) {
      at = shelf.fieldIds.slice(0, shelf.fieldIds.indexOf(target.fieldId)).filter((id) => !moving.includes(id)).length;
    } else if (target.fieldId !== null && rest.includes(target.fieldId)) {
      at = rest.indexOf(target.fieldId) + (target.place === 'after' ? 1 : 0);
    }
    return { ...shelf, fieldIds: [...rest.slice(0, at), ...moving, ...rest.slice(at)] };
  });
}

/** One step up or down, across the edge of a section into the next; null at the ends. */
export function stepped(all: Shelf[], id: string, step: -1 | 1): Shelf[] | null {
  const s = all.findIndex((shelf) => shelf.fieldIds.includes(id));
  const shelf = all[s];
  if (!shelf) return null;
  const at = shelf.fieldIds.indexOf(id);
  const beside = shelf.fieldIds[at + step];
  if (beside !== undefined) return moved(all, [id], { sectionId: shelf.sectionId, fieldId: beside, place: step < 0 ? 'before' : 'after' });
  const next = all[s + step];
  if (!next) return null;
  const edge = step < 0 ? null : (next.fieldIds[0] ?? null);
  return moved(all, [id], { sectionId: next.sectionId, fieldId: edge, place: 'before' });
}

/** The fields as they stand on the shelves: with new positions, and in the section that they are on now. */
export function placed(fields: Field[], all: Shelf[]): Field[] {
  const order = all.flatMap((s) => s.fieldIds.map((id) => ({ id, sectionId: s.sectionId })));
  return fields.map((f) => {
    const position = order.findIndex((o) => o.id === f.id);
    return position < 0 ? f : { ...f, position, sectionId: order[position]?.sectionId ?? null };
  });
}
