import { t } from '../messages';
import { announce } from './announce';

/** Copies a text. Frames without the clipboard permission get it by the older way, through a selection. */
export async function copyText(text: string): Promise<boolean> {
  let done = false;
  try {
    await navigator.clipboard.writeText(text);
    done = true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'visually-hidden';
    document.body.append(area);
    const focused = document.activeElement;
    area.select();
    done = document.execCommand('copy');
    area.remove();
    if (focused instanceof HTMLElement) focused.focus();
  }
  if (done) announce(t('act.copied'));
  return done;
}
