/** Which columns stand where: chosen, dragged by pointer or keyboard, pinned. */
import { useMemo, useState } from 'react';
import { Button as AriaButton, Checkbox, Dialog, DialogTrigger, GridList, GridListItem, Input, Popover, SearchField, ToggleButton, useDragAndDrop } from 'react-aria-components';
import { Button } from '../kit/Button';
import { Icon } from '../kit/Icon';
import { t } from '../messages';
import { moved, NAME, withColumn, withPin } from './layout';
import type { TableView } from './useTableView';

interface Props {
  table: TableView;
  columns: { key: string; name: string }[];
}

/** From this many columns on, a filter helps more than it hinders. */
const FILTER_FROM = 9;
const DRAG_TYPE = 'application/x-steward-column';

export function ColumnsPopover(props: Props) {
  return (
    <DialogTrigger>
      <AriaButton className="button button-default"><Icon name="settings" small /><span className="button-text">{t('table.columns')}</span></AriaButton>
      {/* The dialog in it has the name. */}
      <Popover className="popover" placement="bottom end" aria-labelledby="">
        <Dialog className="columns" aria-label={t('table.columns.choose')}><Columns {...props} /></Dialog>
      </Popover>
    </DialogTrigger>
  );
}

function Columns({ table, columns }: Props) {
  const { layout, setLayout } = table;
  const [filter, setFilter] = useState('');
  const items = useMemo(() => {
    const shown = layout.flatMap((c) => columns.filter((known) => known.key === c.key).map((known) => ({ ...known, shown: true, pinned: c.pinned })));
    const rest = columns.filter((known) => !layout.some((c) => c.key === known.key)).map((known) => ({ ...known, shown: false, pinned: false }));
    const wanted = filter.trim().toLocaleLowerCase();
    return [...shown, ...rest].filter((c) => c.name.toLocaleLowerCase().includes(wanted)).map((c) => ({ ...c, id: c.key }));
  }, [layout, columns, filter]);
  const { dragAndDropHooks } = useDragAndDrop({
    getItems: (dragged) => [...dragged].map((key) => ({ [DRAG_TYPE]: String(key), 'text/plain': columns.find((c) => c.key === key)?.name ?? '' })),
    acceptedDragTypes: [DRAG_TYPE],
    getDropOperation: () => 'move',
    onReorder: ({ keys, target }) => {
      const dragged = [...keys].map(String);
      const all = dragged.reduce((l, key) => withColumn(l, key, true), layout);
      const to = all.some((c) => c.key === target.key) ? String(target.key) : all.at(-1)?.key;
      if (to) setLayout(moved(all, dragged, to, target.dropPosition === 'before' ? 'before' : 'after'));
    },
  });
  return (
    <>
      {columns.length >= FILTER_FROM && (
        <SearchField className="filter" aria-label={t('field.filter')} value={filter} onChange={setFilter}>
          <Icon name="search" small />
          <Input className="input" placeholder={t('field.filter')} />
        </SearchField>
      )}
      <GridList className="column-list" aria-label={t('table.columns.choose')} items={items} dragAndDropHooks={dragAndDropHooks} dependencies={[layout]} renderEmptyState={() => <p className="list-none">{t('field.nomatch')}</p>}>
        {(column) => (
          <GridListItem id={column.key} textValue={column.name} className="column-item">
            <AriaButton slot="drag" className="icon-button button-subtle drag-handle" aria-label={t('table.columns.drag', { name: column.name })}><Icon name="drag" /></AriaButton>
            <Checkbox slot={null} className="checkbox" aria-label={t('table.columns.show', { name: column.name })} isSelected={column.shown} isDisabled={column.key === NAME} onChange={(shown) => setLayout(withColumn(layout, column.key, shown))}>
              <span className="checkbox-box"><Icon name="check" small /></span>
              <bdi className="column-name">{column.name}</bdi>
            </Checkbox>
            {column.shown && (
              <ToggleButton className="icon-button button-subtle" aria-label={t(column.pinned ? 'table.columns.unpin' : 'table.columns.pin', { name: column.name })} isSelected={column.pinned} onChange={(pinned) => setLayout(withPin(layout, column.key, pinned))}>
                <Icon name="pin" small />
              </ToggleButton>
            )}
          </GridListItem>
        )}
      </GridList>
      <p className="control-help">{t('table.columns.hint')}</p>
      {table.changed && <Button small onPress={table.discard}>{t(table.view ? 'view.discard' : 'table.columns.reset')}</Button>}
    </>
  );
}
