import { Menu, MenuItem, MenuTrigger, Popover, Separator } from 'react-aria-components';
import type { Section } from '../api/types';
import { IconButton } from '../kit/Button';
import { Icon } from '../kit/Icon';
import { t } from '../messages';

interface Props {
  section: Section;
  first: boolean;
  last: boolean;
  onMove: (by: -1 | 1) => void;
  onRename: () => void;
  onRemove: () => void;
}

export function SectionMenu({ section, first, last, onMove, onRename, onRemove }: Props) {
  const off = [...(first ? ['up'] : []), ...(last ? ['down'] : [])];
  return (
    <MenuTrigger>
      <IconButton icon="more" label={t('settings.section.actions', { name: section.name })} tooltip={false} />
      <Popover className="popover" placement="bottom end">
        <Menu className="menu" disabledKeys={off} onAction={(key) => {
          if (key === 'up') onMove(-1);
          if (key === 'down') onMove(1);
          if (key === 'rename') onRename();
          if (key === 'remove') onRemove();
        }}>
          <MenuItem id="rename" className="menu-item"><Icon name="edit" small />{t('settings.section.rename')}</MenuItem>
          <MenuItem id="up" className="menu-item"><Icon name="up" small />{t('settings.section.up')}</MenuItem>
          <MenuItem id="down" className="menu-item"><Icon name="down" small />{t('settings.section.down')}</MenuItem>
          <Separator className="menu-line" />
          <MenuItem id="remove" className="menu-item menu-danger"><Icon name="close" small />{t('act.delete')}</MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
