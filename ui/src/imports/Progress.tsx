import { Label, ProgressBar } from 'react-aria-components';
import { useReader } from '../app/reader';

/** How far something is, from 0 to 1; null when nobody can say. */
export function Progress({ label, value, text }: { label: string; value: number | null; text?: string }) {
  const { locale } = useReader();
  const percent = value === null ? null : Math.round(Math.min(value, 1) * 100);
  const shown = text ?? new Intl.NumberFormat(locale, { style: 'percent' }).format((percent ?? 0) / 100);
  return (
    <ProgressBar className="progress" isIndeterminate={percent === null} {...(percent === null ? {} : { value: percent })} valueLabel={shown}>
      <div className="progress-head"><Label>{label}</Label><span className="progress-text">{shown}</span></div>
      <div className="progress-bar"><div className={percent === null ? 'progress-fill progress-moving' : 'progress-fill'} style={percent === null ? undefined : { inlineSize: `${String(percent)}%` }} /></div>
    </ProgressBar>
  );
}
