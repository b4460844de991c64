/** What an admin does with fields and sections: each shown at once where it can be, said, and undone where it hurts. */
import { useQueryClient } from '@tanstack/react-query';
import { useServices } from '../app/services';
import { asProblem } from '../api/problem';
import { keys } from '../api/queries';
import type { Entity, Field, Section } from '../api/types';
import { announce } from '../kit/announce';
import { showFlag } from '../kit/flags';
import { t } from '../messages';
import { inputOf } from './fieldInput';
import { placed, type Shelf } from './order';

export function useFieldActions(entity: Entity) {
  const { calls } = useServices();
  const client = useQueryClient();

  const again = () => Promise.all([
    client.invalidateQueries({ queryKey: ['fields', entity] }),
    client.invalidateQueries({ queryKey: keys.sections(entity) }),
    client.invalidateQueries({ queryKey: ['panel'] }),
  ]);

  /** Runs, tells of a failure, and shows what the server has now in either case. */
  const attempt = async (work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      const problem = asProblem(error);
      const code = problem.kind;
      showFlag({ tone: 'error', text: `${t(`problem.${code}.title`)}. ${problem.detail ?? t(`problem.${code}.do`)}` });
      return false;
    } finally {
      await again();
    }
  };

  const restore = (field: Field) => attempt(async () => {
    // Retiring gave it a version that the page has not seen.
    await calls.restoreField(await calls.field(field.id));
    showFlag({ tone: 'success', text: t('settings.field.restored', { name: field.name }) });
  });

  return {
    again,
    attempt,
    restore,
    retire: (field: Field) => attempt(async () => {
      await calls.retireField(field);
      showFlag({ tone: 'success', text: t('settings.field.retired', { name: field.name }), action: { label: t('act.undo'), run: () => void restore(field) } });
    }),
    /** Puts the fields as they stand on the shelves; those that changed their section are written one by one. */
    arrange: async (fields: Field[], shelves: Shelf[], name: string) => {
      await client.cancelQueries({ queryKey: keys.fields(entity) });
      const after = placed(fields, shelves);
      client.setQueryData(keys.fields(entity), after);
      const done = await attempt(async () => {
        for (const now of after) {
          const before = fields.find((f) => f.id === now.id);
          if (before && before.sectionId !== now.sectionId) await calls.setField(now.id, before.version, inputOf(now));
        }
        await calls.orderFields(entity, shelves.flatMap((s) => s.fieldIds));
      });
      if (done) announce(t('settings.field.moved', { name }));
    },
    addSection: (name: string) => attempt(async () => {
      await calls.addSection(entity, name);
      announce(t('settings.section.added', { name }));
    }),
    setSection: (section: Section, name: string, position: number) => attempt(() => calls.setSection(section, name, position)),
    removeSection: (section: Section) => attempt(async () => {
      await calls.removeSection(section);
      showFlag({ tone: 'success', text: t('settings.section.removed', { name: section.name }) });
    }),
  };
}

export type FieldActions = ReturnType<typeof useFieldActions>;
