/** The fields of one section as a list that is dragged by pointer, by keyboard, or moved by its menu. */
import { Button as AriaButton, GridList, GridListItem, Menu, MenuItem, MenuTrigger, Popover, Separator, useDragAndDrop, type DropItem, type TextDropItem } from 'react-aria-components';
import type { Field, Section } from '../api/types';
import { href } from '../app/route';
import { IconButton } from '../kit/Button';
import { Icon } from '../kit/Icon';
import { t, tn } from '../messages';
import { audienceWord } from './fieldInput';
import type { Target } from './order';

const DRAG_TYPE = 'application/x-steward-field';

interface Props {
  sectionId: string | null;
  label: string;
  fields: Field[];
  sections: Section[];
  onMove: (ids: string[], target: Target) => void;
  onStep: (field: Field, by: -1 | 1) => void;
  onRetire: (field: Field) => void;
  onEdit: (field: Field) => void;
}

const isField = (item: DropItem): item is TextDropItem => item.kind === 'text' && item.types.has(DRAG_TYPE);

async function draggedIds(items: DropItem[]): Promise<string[]> {
  return Promise.all(items.filter(isField).map((item) => item.getText(DRAG_TYPE)));
}

export function FieldShelf({ sectionId, label, fields, sections, onMove, onStep, onRetire, onEdit }: Props) {
  const { dragAndDropHooks } = useDragAndDrop({
    getItems: (keys) => [...keys].map((key) => ({ [DRAG_TYPE]: String(key), 'text/plain': fields.find((f) => f.id === key)?.name ?? '' })),
    acceptedDragTypes: [DRAG_TYPE],
    getDropOperation: () => 'move',
    onReorder: ({ keys, target }) => onMove([...keys].map(String), { sectionId, fieldId: String(target.key), place: target.dropPosition === 'after' ? 'after' : 'before' }),
    onInsert: ({ items, target }) => void draggedIds(items).then((ids) => onMove(ids, { sectionId, fieldId: String(target.key), place: target.dropPosition === 'after' ? 'after' : 'before' })),
    onRootDrop: ({ items }) => void draggedIds(items).then((ids) => onMove(ids, { sectionId, fieldId: null, place: 'after' })),
  });
  return (
    <GridList className="shelf-list" aria-label={label} items={fields} dragAndDropHooks={dragAndDropHooks} onAction={(key) => { const f = fields.find((x) => x.id === key); if (f) onEdit(f); }}
      dependencies={[sections]} renderEmptyState={() => <p className="shelf-empty">{t('settings.section.empty')}</p>}>
      {(field) => (
        <GridListItem id={field.id} textValue={field.name} className="shelf-item">
          <AriaButton slot="drag" className="icon-button button-subtle drag-handle" aria-label={t('settings.field.drag', { name: field.name })}><Icon name="drag" /></AriaButton>
          <div className="shelf-text">
            <span className="shelf-name"><bdi>{field.name}</bdi>{field.required && <span className="required" aria-hidden="true"> *</span>}</span>
            <span className="shelf-facts">
              <span>{t(`type.${field.type}`)}</span>
              {field.required && <span>{t('editor.required')}</span>}
              {field.projects.length > 0 && <span>{tn('projects.some', field.projects.length)}</span>}
            </span>
          </div>
          <span className="lozenge" data-audience={field.audience}>{t(audienceWord(field))}</span>
          <FieldMenu field={field} sections={sections} onMove={onMove} onStep={onStep} onRetire={onRetire} onEdit={onEdit} />
        </GridListItem>
      )}
    </GridList>
  );
}

function FieldMenu({ field, sections, onMove, onStep, onRetire, onEdit }: Pick<Props, 'sections' | 'onMove' | 'onStep' | 'onRetire' | 'onEdit'> & { field: Field }) {
  const elsewhere = [{ id: null, name: t('settings.section.none') }, ...sections].filter((s) => s.id !== field.sectionId);
  return (
    <MenuTrigger>
      <IconButton icon="more" label={t('field.actions', { field: field.name })} tooltip={false} />
      <Popover className="popover" placement="bottom end">
        <Menu className="menu" onAction={(key) => {
          if (key === 'edit') onEdit(field);
          else if (key === 'type') window.location.hash = href.typeChange(field.entity, field.id);
          else if (key === 'up') onStep(field, -1);
          else if (key === 'down') onStep(field, 1);
          else if (key === 'retire') onRetire(field);
          else onMove([field.id], { sectionId: key === 'to:' ? null : String(key).slice(3), fieldId: null, place: 'after' });
        }}>
          <MenuItem id="edit" className="menu-item"><Icon name="edit" small />{t('act.edit')}</MenuItem>
          <MenuItem id="type" className="menu-item"><Icon name="section" small />{t('types.change')}</MenuItem>
          <MenuItem id="up" className="menu-item"><Icon name="up" small />{t('settings.field.up')}</MenuItem>
          <MenuItem id="down" className="menu-item"><Icon name="down" small />{t('settings.field.down')}</MenuItem>
          {elsewhere.map((s) => <MenuItem key={s.id ?? ''} id={`to:${s.id ?? ''}`} className="menu-item"><Icon name="section" small /><bdi>{t('settings.field.moveto', { section: s.name })}</bdi></MenuItem>)}
          <Separator className="menu-line" />
          <MenuItem id="retire" className="menu-item menu-danger"><Icon name="close" small />{t('act.retire')}</MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
