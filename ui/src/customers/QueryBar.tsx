/**
 * Where a query is written: what may stand there is offered while typing, what is wrong is underlined at its place, Enter
 * runs it. What is run belongs to the page, which keeps it in its address.
 */
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Autocomplete, Button as AriaButton, Label, ListBox, ListBoxItem, TextArea, TextField } from 'react-aria-components';
import { useServices } from '../app/services';
import { asProblem } from '../api/problem';
import { keys } from '../api/queries';
import type { Completion, Entity, Mistake } from '../api/types';
import { announce } from '../kit/announce';
import { Button } from '../kit/Button';
import { showFlag } from '../kit/flags';
import { Icon } from '../kit/Icon';
import { t } from '../messages';
import { completed, rangeNow, segments } from './queryText';
import { useSettled } from './RecordTable';

/** Short enough to feel like typing, long enough to skip most letters of a quick writer. */
const COMPLETE_AFTER_MS = 120;

interface Props {
  entity: Entity;
  /** What is run now. */
  query: string;
  /** Mistakes that the server found in what is run now. */
  mistakes: Mistake[];
  onRun: (query: string) => void;
}

export function QueryBar({ entity, query, mistakes: ofRun, onRun }: Props) {
  const { calls } = useServices();
  const [shown, setShown] = useState(query);
  const [text, setText] = useState(query);
  const [caret, setCaret] = useState(query.length);
  const [open, setOpen] = useState(false);
  const [found, setFound] = useState<Mistake[] | null>(null);
  const input = useRef<HTMLTextAreaElement>(null);
  const moveTo = useRef<number | null>(null);
  // Another query came from outside: by the way back, a link, an example.
  if (shown !== query) {
    setShown(query);
    setText(query);
    setFound(null);
    setOpen(false);
  }
  const mistakes = found ?? (text === query ? ofRun : []);
  const [first] = mistakes;
  const place = useSettled(JSON.stringify([text, caret]), COMPLETE_AFTER_MS);
  const [settledText, settledCaret] = JSON.parse(place) as [string, number];
  const completion = useQuery({
    queryKey: keys.completions(entity, settledText, settledCaret),
    queryFn: async () => ({ ...(await calls.completions(entity, settledText, settledCaret)), of: settledText }),
    enabled: open,
    placeholderData: keepPreviousData,
    retry: false,
  });
  const items = completion.data?.items ?? [];
  const listed = open && items.length > 0;

  useEffect(() => {
    if (moveTo.current === null) return;
    input.current?.setSelectionRange(moveTo.current, moveTo.current);
    moveTo.current = null;
  }, [text]);

  const change = (next: string) => {
    setText(next);
    setFound(null);
    setOpen(true);
    setCaret(moveTo.current ?? input.current?.selectionStart ?? next.length);
  };
  const take = (item: Completion['items'][number]) => {
    const range = completion.data && rangeNow(text, caret, completion.data);
    if (!range) return;
    const after = completed(text, range.offset, range.length, item.insert);
    moveTo.current = after.caret;
    change(after.text);
    input.current?.focus();
  };
  const run = async (written: string) => {
    setOpen(false);
    const wanted = written.trim();
    if (wanted === '') return onRun('');
    try {
      const { mistakes: wrong } = await calls.checkQuery(entity, wanted);
      if (wrong.length === 0) return onRun(wanted);
      setText(wanted);
      setFound(wrong);
      announce(wrong.map((m) => m.detail).join(' '), 'assertive');
      const [at] = wrong;
      if (at) input.current?.setSelectionRange(at.offset + at.length, at.offset + at.length);
    } catch (error) {
      const problem = asProblem(error);
      showFlag({ tone: 'error', text: problem.detail ?? t(`problem.${problem.kind}.do`) });
    }
  };
  const suggested = (mistake: Mistake) => {
    const next = text.slice(0, mistake.offset) + (mistake.suggestion ?? '') + text.slice(mistake.offset + mistake.length);
    setText(next);
    void run(next);
  };
  const keyDown = (e: KeyboardEvent) => {
    const choosing = listed && Boolean(input.current?.getAttribute('aria-activedescendant'));
    if (e.key === 'Enter' && !choosing && !e.nativeEvent.isComposing) {
      e.preventDefault();
      e.stopPropagation();
      void run(text);
    } else if (e.key === 'Tab') {
      // What is offered is on the way to nothing: Tab goes on behind the bar.
      setOpen(false);
    } else if (e.key === 'Escape' && listed) {
      e.preventDefault();
      e.stopPropagation();
      setOpen(false);
    } else if (e.key === 'ArrowDown' && !listed) {
      setOpen(true);
    }
  };
  const placeCaret = () => setCaret(input.current?.selectionStart ?? text.length);

  return (
    <div className="query" onBlur={(e) => !e.currentTarget.contains(e.relatedTarget) && setOpen(false)}>
      <Autocomplete inputValue={text} onInputChange={change} disableAutoFocusFirst>
        <TextField className="query-field" isInvalid={mistakes.length > 0} validationBehavior="aria">
          <Label className="visually-hidden">{t('query.label')}</Label>
          <Icon name="filter" small />
          <div className="query-box input" onKeyDownCapture={keyDown}>
            <div className="query-mirror" aria-hidden="true">
              {segments(text, mistakes).map((s, i) => (s.wrong ? <mark key={i} className={s.text ? 'query-wrong' : 'query-wrong query-missing'}>{s.text || ' '}</mark> : <span key={i}>{s.text}</span>))}
              {'\u200b'}
            </div>
            <TextArea ref={input} className="query-input" rows={1} dir="ltr" spellCheck={false} autoComplete="off" autoCapitalize="off" placeholder={t('query.hint')}
              aria-describedby={first ? 'query-mistakes' : undefined} onSelect={placeCaret} onFocus={placeCaret} onClick={() => { placeCaret(); setOpen(true); }} />
          </div>
          {text !== '' && <AriaButton className="icon-button button-subtle query-clear" aria-label={t('query.clear')} onPress={() => { setText(''); setFound(null); onRun(''); input.current?.focus(); }}><Icon name="close" small /></AriaButton>}
        </TextField>
        {listed && (
          // To be scrolled by whoever reaches it without our keys; these never go there.
          <div className="query-list popover" tabIndex={0} onPointerDown={(e) => e.preventDefault()}>
            <ListBox className="list" aria-label={t('query.offered')} items={items.map((item) => ({ ...item, id: `${item.kind} ${item.insert}` }))} selectionMode="none" onAction={(key) => {
              const item = items.find((i) => `${i.kind} ${i.insert}` === key);
              if (item) take(item);
            }}>
              {(item) => (
                <ListBoxItem id={item.id} textValue={item.label} className="list-item">
                  <bdi className="query-offer">{item.label}</bdi>
                  <span className="choice-detail">{item.kind === 'field' && item.holds ? t(`query.holds.${item.holds}`) : t(`query.kind.${item.kind}`)}</span>
                </ListBoxItem>
              )}
            </ListBox>
          </div>
        )}
      </Autocomplete>
      {mistakes.length > 0 && (
        <ul className="query-mistakes" id="query-mistakes">
          {mistakes.map((m, i) => (
            <li key={i} className="control-error">
              <Icon name="error" small />
              <span>{m.detail}</span>
              {m.suggestion && <Button kind="link" small onPress={() => suggested(m)}>{t('query.meant', { suggestion: m.suggestion })}</Button>}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
