/** What is held, and who saw it, in words. Pure. */
import type { HeldClass, Reading } from '../api/types';
import { t, tn, type MessageKey } from '../messages';
import { person } from '../messages/en.person';

function known(key: string): key is MessageKey {
  return Object.hasOwn(person, key);
}

/** A class as people call it, and why it is kept; one that has no words here yet, by its own name and purpose. */
export function classWords({ name, purpose }: Pick<HeldClass, 'name' | 'purpose'>): { title: string; why: string } {
  const key = `held.class.${name}`;
  const why = `${key}.why`;
  return known(key) && known(why) ? { title: t(key), why: t(why) } : { title: name, why: purpose };
}

/** The classes in the order in which they are explained, what has no words of its own last. */
export function inOrder(classes: HeldClass[]): HeldClass[] {
  const order = Object.keys(person);
  const place = ({ name }: HeldClass) => (known(`held.class.${name}`) ? order.indexOf(`held.class.${name}`) : order.length);
  return [...classes].sort((a, b) => place(a) - place(b));
}

export function keptWords(days: number | null): string {
  return days === null ? t('held.kept') : tn('held.kept.days', days);
}

/** Who looked: by name where one is told, else what they are and how many. */
export function readerWords(one: Pick<Reading, 'by' | 'readers' | 'receiverName' | 'reader'>): string {
  if (one.by === 'issueReaders') return t('readings.by.issueReaders');
  if (one.reader) return one.reader.displayName || t(one.by === 'automation' ? 'readings.gone.automation' : one.by === 'receiver' ? 'readings.gone.receiver' : 'readings.gone.person');
  if (one.by === 'receiver') return one.receiverName ? t('readings.by.receiver.named', { name: one.receiverName }) : t('readings.by.receiver');
  return tn(`readings.by.${one.by}`, one.readers);
}

/** Newest first, as it reads in whatever zone: a page of the server's goes by days of the world. */
export function byTime(all: Reading[]): Reading[] {
  return [...all].sort((a, b) => b.lastAt.localeCompare(a.lastAt));
}
