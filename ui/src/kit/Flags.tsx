import { Text, UNSTABLE_Toast as Toast, UNSTABLE_ToastContent as ToastContent, UNSTABLE_ToastRegion as ToastRegion } from 'react-aria-components';
import { t } from '../messages';
import { Button, IconButton } from './Button';
import { flags } from './flags';
import { Icon } from './Icon';

export function Flags() {
  return (
    <ToastRegion queue={flags} className="flags">
      {({ toast }) => (
        <Toast toast={toast} className="flag" data-tone={toast.content.tone}>
          <Icon name={toast.content.tone === 'error' ? 'error' : toast.content.tone === 'success' ? 'check' : 'info'} />
          <ToastContent className="flag-text"><Text slot="title"><bdi>{toast.content.text}</bdi></Text></ToastContent>
          {toast.content.action && (
            <Button kind="link" onPress={() => { toast.content.action?.run(); flags.close(toast.key); }}>{toast.content.action.label}</Button>
          )}
          <IconButton icon="close" label={t('act.dismiss')} slot="close" tooltip={false} />
        </Toast>
      )}
    </ToastRegion>
  );
}
