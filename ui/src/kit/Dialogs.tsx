/** Windows over the page: a drawer at the end side, a dialog in the middle, and a question. */
import { useState, type CSSProperties, type ReactNode } from 'react';
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { t } from '../messages';
import { Button, IconButton } from './Button';

interface Props {
  title: string;
  subtitle?: string | undefined;
  onClose: () => void;
  children: ReactNode;
  /** Buttons at the foot, always in sight. */
  foot?: ReactNode;
  /** Clicking beside the window closes it. Not where something typed would be lost. */
  dismissable?: boolean;
}

/** Jira makes a frame as tall as its page: one taller than this is seen in part only, and nobody tells us which part. */
const TALL_FRAME_PX = 900;
const WINDOW_PX = 600;
/** So much of what the window is about stays in sight above it. */
const ABOVE_PX = 120;

/** In a tall frame the middle may be out of sight: there a window opens where the reader just was. */
function besideReader(): CSSProperties | undefined {
  if (window.parent === window || window.innerHeight <= TALL_FRAME_PX) return undefined;
  const at = document.activeElement?.getBoundingClientRect().top ?? 0;
  const top = Math.max(0, Math.min(at - ABOVE_PX, window.innerHeight - WINDOW_PX));
  return { alignSelf: 'start', marginBlockStart: top, blockSize: 'auto', maxBlockSize: WINDOW_PX };
}

function Shell({ title, subtitle, onClose, children, foot, dismissable = true, shape }: Props & { shape: 'drawer' | 'dialog' }) {
  const [place] = useState(besideReader);
  return (
    <ModalOverlay isOpen onOpenChange={(open) => !open && onClose()} isDismissable={dismissable} className="blanket">
      <Modal className={shape} {...(place ? { style: place } : {})}>
        <Dialog className="window">
          <header className="window-head">
            <div className="window-titles">
              <Heading slot="title" className="window-title">{title}</Heading>
              {subtitle && <p className="window-subtitle"><bdi>{subtitle}</bdi></p>}
            </div>
            <IconButton icon="close" label={t('act.close')} onPress={onClose} tooltip={false} />
          </header>
          <div className="window-body">{children}</div>
          {foot && <footer className="window-foot">{foot}</footer>}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

export function Drawer(props: Props) {
  return <Shell {...props} shape="drawer" />;
}

export function DialogBox(props: Props) {
  return <Shell {...props} shape="dialog" />;
}

export function Question({ title, detail, confirm, onConfirm, onClose }: { title: string; detail: string; confirm: string; onConfirm: () => void; onClose: () => void }) {
  return (
    <DialogBox title={title} onClose={onClose} foot={<><Button kind="subtle" onPress={onClose}>{t('act.cancel')}</Button><Button kind="danger" onPress={onConfirm} autoFocus>{confirm}</Button></>}>
      <p>{detail}</p>
    </DialogBox>
  );
}
