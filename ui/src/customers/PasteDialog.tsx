/** What a pasted block would change, before it does: each cell with what stands and what would, and what is refused. */
import type { Field, Value } from '../api/types';
import { Button } from '../kit/Button';
import { DialogBox } from '../kit/Dialogs';
import { Icon } from '../kit/Icon';
import { t, tn } from '../messages';
import { ValueView } from '../values/ValueView';

export interface PastedCell {
  id: string;
  row: string;
  field: Field;
  before: Value;
  /** What would be written, or why nothing is. */
  read: { value: Value } | { wrong: string };
}

/** So many cells are shown; the rest is counted. */
const SHOWN = 200;

export function PasteDialog({ cells, left, onWrite, onClose }: { cells: PastedCell[]; left: number; onWrite: () => void; onClose: () => void }) {
  const refused = cells.filter((c) => 'wrong' in c.read);
  const good = cells.length - refused.length;
  const shown = [...refused, ...cells.filter((c) => 'value' in c.read)].slice(0, SHOWN);
  return (
    <DialogBox title={t('paste.title')} subtitle={tn('paste.counts', good)} onClose={onClose}
      foot={<><Button kind="subtle" onPress={onClose}>{t('act.cancel')}</Button><Button kind="primary" isDisabled={good === 0} onPress={onWrite} autoFocus>{tn('paste.write', good)}</Button></>}>
      {refused.length > 0 && <p className="notice notice-warning"><Icon name="error" />{tn('paste.refused', refused.length)}</p>}
      {left > 0 && <p className="notice notice-warning"><Icon name="info" />{tn('paste.left', left)}</p>}
      <div className="paste-scroll" tabIndex={0} role="region" aria-label={t('paste.title')}>
        <table className="paste-table">
          <thead><tr><th scope="col">{t('customers.name')}</th><th scope="col">{t('history.field')}</th><th scope="col">{t('history.from')}</th><th scope="col">{t('history.to')}</th></tr></thead>
          <tbody>
            {shown.map((c) => (
              <tr key={`${c.id} ${c.field.id}`}>
                <td><bdi>{c.row}</bdi></td><td><bdi>{c.field.name}</bdi></td><td><ValueView field={c.field} value={c.before} /></td>
                <td>{'wrong' in c.read ? <span className="control-error"><Icon name="error" small />{c.read.wrong}</span> : <ValueView field={c.field} value={c.read.value} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {cells.length > SHOWN && <p className="control-help">{tn('paste.more', cells.length - SHOWN)}</p>}
    </DialogBox>
  );
}
