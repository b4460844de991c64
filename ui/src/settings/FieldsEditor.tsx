/** All fields of customers or of organizations, by section; where an admin adds, changes, moves and retires them. */
import { useState } from 'react';
import { useFields, useSections } from '../api/queries';
import type { Entity, Field, Section } from '../api/types';
import { Button, IconButton } from '../kit/Button';
import { Question } from '../kit/Dialogs';
import { EmptyState, ProblemNotice, Skeleton } from '../kit/Notice';
import { t } from '../messages';
import { FieldDialog } from './FieldDialog';
import { FieldShelf } from './FieldShelf';
import { moved, shelves, stepped, type Target } from './order';
import { RetiredFields } from './RetiredFields';
import { SectionDialog } from './SectionDialog';
import { SectionMenu } from './SectionMenu';
import { useFieldActions } from './useFieldActions';

type Open =
  | { what: 'field'; field: Field | null; sectionId: string | null }
  | { what: 'section'; section: Section | null }
  | { what: 'removeSection'; section: Section };

export function FieldsEditor({ entity }: { entity: Entity }) {
  const fields = useFields(entity);
  const sections = useSections(entity);
  const actions = useFieldActions(entity);
  const [open, setOpen] = useState<Open | null>(null);
  const failed = [fields, sections].find((q) => q.isError && !q.data);
  if (failed) return <ProblemNotice error={failed.error} onRetry={() => void failed.refetch()} />;
  if (!fields.data || !sections.data) return <Skeleton rows={6} />;

  const all = shelves(fields.data, sections.data);
  const ordered = [...sections.data].sort((a, b) => a.position - b.position);
  const fieldById = new Map(fields.data.map((f) => [f.id, f]));
  const close = () => setOpen(null);
  const add = (sectionId: string | null) => setOpen({ what: 'field', field: null, sectionId });
  const nameOf = (ids: string[]) => ids.map((id) => fieldById.get(id)?.name ?? '').join(', ');
  const move = (ids: string[], target: Target) => void actions.arrange(fields.data, moved(all, ids, target), nameOf(ids));
  const step = (field: Field, by: -1 | 1) => {
    const after = stepped(all, field.id, by);
    if (after) void actions.arrange(fields.data, after, field.name);
  };
  /** Swaps with the neighbour: each section has a position of its own. */
  const moveSection = async (section: Section, by: -1 | 1) => {
    const other = ordered[ordered.indexOf(section) + by];
    if (other && (await actions.setSection(section, section.name, other.position))) await actions.setSection(other, other.name, section.position);
  };

  return (
    <div className="editor">
      <div className="editor-head">
        <p className="page-intro">{t(`settings.${entity}.intro`)}</p>
        <div className="editor-actions">
          <Button icon="section" onPress={() => setOpen({ what: 'section', section: null })}>{t('settings.section.add')}</Button>
          <Button icon="add" kind="primary" onPress={() => add(null)}>{t('settings.field.add')}</Button>
        </div>
      </div>
      {fields.data.length === 0 && (
        <EmptyState icon="section" title={t(`settings.empty.${entity}`)} detail={t('settings.empty.detail')}>
          <Button kind="primary" icon="add" onPress={() => add(null)}>{t('panel.nofields.first')}</Button>
        </EmptyState>
      )}
      {all.map(({ sectionId, fieldIds }) => {
        const section = ordered.find((s) => s.id === sectionId) ?? null;
        if (!section && fieldIds.length === 0) return null;
        return (
          <section key={sectionId ?? 'none'} className="shelf" aria-label={section?.name ?? t('settings.section.none')}>
            <header className="shelf-head">
              <h2 className="shelf-title"><bdi>{section?.name ?? t('settings.section.none')}</bdi></h2>
              {section && <IconButton icon="add" label={`${t('settings.field.add')}: ${section.name}`} onPress={() => add(section.id)} />}
              {section && (
                <SectionMenu section={section} first={ordered[0] === section} last={ordered.at(-1) === section} onMove={(by) => void moveSection(section, by)}
                  onRename={() => setOpen({ what: 'section', section })} onRemove={() => setOpen({ what: 'removeSection', section })} />
              )}
            </header>
            <FieldShelf sectionId={sectionId} label={section?.name ?? t('settings.section.none')} fields={fieldIds.flatMap((id) => fieldById.get(id) ?? [])}
              sections={ordered} onMove={move} onStep={step} onRetire={(f) => void actions.retire(f)} onEdit={(field) => setOpen({ what: 'field', field, sectionId })} />
          </section>
        );
      })}
      <RetiredFields entity={entity} onRestore={(f) => void actions.restore(f)} />
      {open?.what === 'field' && <FieldDialog entity={entity} field={open.field} sectionId={open.sectionId} sections={ordered} onClose={close} onSaved={actions.again} />}
      {open?.what === 'section' && (
        <SectionDialog section={open.section} onClose={close} onName={async (name) => {
          const done = open.section ? await actions.setSection(open.section, name, open.section.position) : await actions.addSection(name);
          if (done) close();
        }} />
      )}
      {open?.what === 'removeSection' && (
        <Question title={t('settings.section.delete.title', { name: open.section.name })} detail={t('settings.section.delete.detail')} confirm={t('act.delete')} onClose={close}
          onConfirm={() => { close(); void actions.removeSection(open.section); }} />
      )}
    </div>
  );
}
