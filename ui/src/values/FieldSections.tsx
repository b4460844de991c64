/** All fields of one customer or organization, by section. Used by the issue panel, the pages and the portal profile. */
import { useState } from 'react';
import type { Field, Section, Subject, ValueSet } from '../api/types';
import { Button } from '../kit/Button';
import { tn, t } from '../messages';
import { FieldRow } from './FieldRow';
import { HistoryDrawer } from './HistoryDrawer';
import { isEmpty } from './format';
import { valueOf } from './save';

interface Props {
  subject: Subject;
  fields: Field[];
  sections: Section[];
  values: ValueSet;
  mayEdit: (field: Field) => boolean;
  /** Whose fields, for the heading of the history. */
  name: string;
  /** In a narrow column empty fields fold away behind one button. */
  foldEmpty?: boolean;
  history?: boolean;
  /** Of the sections' headings: 3 below another heading than the page's. */
  level?: 2 | 3;
}

/** Fewer empty fields than this do not get in the way. */
const FOLD_FROM = 4;

export interface FieldGroup {
  section: Section | null;
  fields: Field[];
}

/** Fields in their order under their sections in theirs; fields without a section come first. Sections without fields are left out. */
export function grouped(fields: Field[], sections: Section[]): FieldGroup[] {
  const byPosition = <T extends { position: number }>(items: T[]) => [...items].sort((a, b) => a.position - b.position);
  const known = new Set(sections.map((s) => s.id));
  const ordered = byPosition(fields);
  return [
    { section: null, fields: ordered.filter((f) => !f.sectionId || !known.has(f.sectionId)) },
    ...byPosition(sections).map((section) => ({ section, fields: ordered.filter((f) => f.sectionId === section.id) })),
  ].filter((g) => g.fields.length > 0);
}

export function FieldSections({ subject, fields, sections, values, mayEdit, name, foldEmpty = false, history = true, level = 2 }: Props) {
  const Title = `h${level}` as const;
  const [historyOf, setHistoryOf] = useState<Field | null>(null);
  // Decided once: a field that is emptied does not jump away under the reader's hand. One that somebody fills meanwhile shows.
  const [emptyAtFirst] = useState(() => new Set(fields.filter((f) => !f.required && isEmpty(valueOf(values, f.id) ? valueOf(values, f.id)?.value : f.default)).map((f) => f.id)));
  // Where nothing is filled yet, the fields themselves say what could be.
  const [anyFilled] = useState(() => fields.some((f) => !isEmpty(valueOf(values, f.id)?.value)));
  const folded = new Set([...emptyAtFirst].filter((id) => isEmpty(valueOf(values, id)?.value)));
  const [unfolded, setUnfolded] = useState(false);
  const foldable = foldEmpty && emptyAtFirst.size >= FOLD_FROM && folded.size > 0 && anyFilled;
  const shown = foldable && !unfolded ? fields.filter((f) => !folded.has(f.id)) : fields;
  return (
    <div className="sections">
      {grouped(shown, sections).map(({ section, fields: inside }) => (
        <section key={section?.id ?? 'none'} className="section">
          {section && <Title className="section-title"><bdi>{section.name}</bdi></Title>}
          {inside.map((field) => (
            <FieldRow key={field.id} subject={subject} field={field} held={valueOf(values, field.id)} editable={mayEdit(field)}
              onHistory={history ? setHistoryOf : undefined} />
          ))}
        </section>
      ))}
      {foldable && (
        <Button kind="subtle" small icon="chevron" onPress={() => setUnfolded(!unfolded)} aria-expanded={unfolded}>
          {unfolded ? t('panel.empty.hide') : tn('panel.empty.show', folded.size)}
        </Button>
      )}
      {historyOf && <HistoryDrawer subject={subject} name={name} field={historyOf} fields={fields} mayEdit={mayEdit} onClose={() => setHistoryOf(null)} />}
    </div>
  );
}
