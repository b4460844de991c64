import { useSyncExternalStore } from 'react';
import { onlineManager } from '@tanstack/react-query';
import { t } from '../messages';
import { Icon } from './Icon';

/** Says that the browser has no connection, and what that means for what is typed. */
export function Offline() {
  const online = useSyncExternalStore((changed) => onlineManager.subscribe(changed), () => onlineManager.isOnline());
  return <div role="status" className={online ? undefined : 'offline'}>{!online && <><Icon name="offline" />{t('status.offline')}</>}</div>;
}
