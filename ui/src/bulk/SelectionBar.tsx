/** What can be done with the chosen rows. It lies over the table's end, so that no row moves under the pointer. */
import { useState } from 'react';
import { Button as AriaButton, Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components';
import type { BulkChangeType, Entity } from '../api/types';
import { RequestDialog } from '../adding/RequestDialog';
import { Button, IconButton } from '../kit/Button';
import { Icon } from '../kit/Icon';
import { t, tn } from '../messages';
import { BulkDialog } from './BulkDialog';
import { onlyOne } from './selection';
import type { RowSelection } from './useSelection';

/** Only customers are put into places. */
const PLACES: readonly BulkChangeType[] = ['addToOrganization', 'removeFromOrganization', 'addToProject'];

interface Props {
  entity: Entity;
  rows: RowSelection;
  total: number | null;
  nameOf: (id: string) => string;
}

export function SelectionBar({ entity, rows, total, nameOf }: Props) {
  const [wanted, setWanted] = useState<BulkChangeType | null>(null);
  const [asksFor, setAsksFor] = useState<string | null>(null);
  if (rows.nothing) return null;
  const all = rows.whole === 'all';
  const only = entity === 'customer' ? onlyOne(rows.selection) : null;
  return (
    <>
      <div className="selection-bar" role="toolbar" aria-label={t('select.bar')}>
        <span className="selection-count">{rows.count === null ? t('select.all.unknown') : tn('select.count', rows.count)}</span>
        {!all && (total === null || total > (rows.count ?? 0)) && <Button small kind="link" onPress={rows.everything}>{total === null ? t('select.all') : t('select.all.count', { count: total })}</Button>}
        <span className="selection-acts">
          <Button small icon="edit" onPress={() => setWanted('setValue')}>{t('bulk.setValue')}</Button>
          {entity === 'customer' && (
            <MenuTrigger>
              <AriaButton className="button button-default button-small"><span className="button-text">{t('bulk.places')}</span><Icon name="chevron" small /></AriaButton>
              <Popover className="popover" placement="top end">
                <Menu className="menu" onAction={(key) => setWanted(key as BulkChangeType)}>
                  {PLACES.map((type) => <MenuItem key={type} id={type} className="menu-item">{t(`bulk.${type}`)}</MenuItem>)}
                </Menu>
              </Popover>
            </MenuTrigger>
          )}
          {only !== null && <Button small icon="add" onPress={() => setAsksFor(only)}>{t('adding.request')}</Button>}
          <IconButton icon="close" label={t('select.clear')} onPress={rows.clear} />
        </span>
      </div>
      {wanted && <BulkDialog entity={entity} type={wanted} selection={rows.selection} count={rows.count} onClose={() => setWanted(null)} />}
      {asksFor !== null && <RequestDialog customer={{ accountId: asksFor, displayName: nameOf(asksFor) }} onClose={() => setAsksFor(null)} />}
    </>
  );
}
