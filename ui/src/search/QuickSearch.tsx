/** Everybody and every organization, by words of any field, as they are typed: from any page, by keyboard first. */
import { useEffect, useRef, useState } from 'react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Autocomplete, Dialog, Heading, Input, Label, ListBox, ListBoxItem, Modal, ModalOverlay, SearchField } from 'react-aria-components';
import { useReader } from '../app/reader';
import { href } from '../app/route';
import { useServices } from '../app/services';
import { keys, useFields, usePersonName } from '../api/queries';
import type { Field, Found } from '../api/types';
import { Avatar } from '../kit/Avatar';
import { Icon } from '../kit/Icon';
import { ProblemNotice } from '../kit/Notice';
import { t } from '../messages';
import { plainText } from '../values/format';
import { useSettled } from '../customers/RecordTable';
import { highlighted } from './highlight';
import { issueKeyOf } from './issueKey';

/** Short enough to feel like typing, long enough to skip most letters of a quick writer. */
const SEARCH_AFTER_MS = 100;
/** While the index is made, the answer is asked for again. */
const AGAIN_MS = 2_000;
const MAC = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.platform);
export const SHORTCUT = MAC ? '⌘K' : 'Ctrl K';

/** Whether a key press asks for the search: Ctrl or Cmd with K anywhere, a slash where nothing is being typed. */
export function asksToSearch(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>, target: { typing: boolean; inDialog: boolean }): boolean {
  if (target.inDialog || event.altKey) return false;
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === 'k') return true;
  return event.key === '/' && !event.ctrlKey && !event.metaKey && !target.typing;
}

/** What is open over the page. A flag is an alert dialog to those who cannot see it, and covers nothing: it may stay for as long as nobody dismisses it. */
const OVER_THE_PAGE = '[role="dialog"], [role="alertdialog"]:not(.flag)';

function targetOf(event: KeyboardEvent): { typing: boolean; inDialog: boolean } {
  const at = event.target instanceof Element ? event.target : null;
  return { typing: Boolean(at?.closest('input, textarea, select, [contenteditable="true"], [role="textbox"], [role="combobox"]')), inDialog: document.querySelector(OVER_THE_PAGE) !== null };
}

/** Opens and closes it; where its button is, the keys are too. */
export function useQuickSearch(): { isOpen: boolean; setOpen: (open: boolean) => void } {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.defaultPrevented || !asksToSearch(event, targetOf(event))) return;
      event.preventDefault();
      setOpen(true);
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, []);
  return { isOpen, setOpen };
}

export function QuickSearch({ onClose }: { onClose: () => void }) {
  return (
    <ModalOverlay isOpen onOpenChange={(open) => !open && onClose()} isDismissable className="blanket">
      <Modal className="dialog quick-search">
        <Dialog className="window">
          <Heading slot="title" className="visually-hidden">{t('search.title')}</Heading>
          <Search onClose={onClose} />
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

/** What the list offers: what the search found, or a request by its key. */
interface Offered {
  key: string;
  name: string;
  to: string;
  found?: Found;
}

function Search({ onClose }: { onClose: () => void }) {
  const { calls } = useServices();
  const [text, setText] = useState('');
  const input = useRef<HTMLInputElement>(null);
  const wanted = useSettled(text.trim(), SEARCH_AFTER_MS);
  const found = useQuery({
    queryKey: keys.search(wanted),
    queryFn: async () => ({ ...(await calls.search(wanted)), of: wanted }),
    enabled: wanted !== '',
    placeholderData: keepPreviousData,
    refetchInterval: (query) => (query.state.data?.ready === false ? AGAIN_MS : false),
  });
  const fields = [...(useFields('customer').data ?? []), ...(useFields('organization').data ?? [])];
  const data = wanted === '' ? undefined : found.data;
  // One entry, whatever its key grows to: what the keyboard is on stays there while somebody types.
  const issue = issueKeyOf(text);
  const items: Offered[] = [
    ...(issue ? [{ key: 'issue', name: issue, to: href.issue(issue) }] : []),
    ...(data?.items ?? []).map((found) => ({ key: `${found.entity} ${found.id}`, name: found.name, to: found.entity === 'customer' ? href.customer(found.id) : href.organization(found.id), found })),
  ];
  const open = (key: string) => {
    const item = items.find((i) => i.key === key);
    if (!item) return;
    onClose();
    window.location.hash = item.to;
  };
  const says = wanted === '' ? t('search.hint') : !data ? t('app.loading') : !data.ready ? t('search.preparing') : items.length === 0 ? t('search.none', { query: data.of }) : null;
  return (
    <Autocomplete inputValue={text} onInputChange={setText}>
      <SearchField className="quick-search-field" autoFocus>
        <Label className="visually-hidden">{t('search.label')}</Label>
        <Icon name="search" />
        <Input ref={input} className="quick-search-input" placeholder={t('search.label')} dir="auto" autoComplete="off" />
      </SearchField>
      {found.isError && wanted !== '' ? <div className="quick-search-says"><ProblemNotice error={found.error} onRetry={() => void found.refetch()} /></div> : (
        <>
          {items.length > 0 && (
            // To be scrolled by whoever reaches it without our keys.
            <div className="quick-search-list" tabIndex={0}>
              <ListBox className="list" aria-label={t('search.results')} items={items} dependencies={[wanted, fields.length]} selectionMode="none" onAction={(key) => open(String(key))}>
                {(item) => <ListBoxItem id={item.key} textValue={item.name} className="list-item quick-search-item">{item.found ? <Result item={item.found} wanted={data?.of ?? ''} field={fields.find((f) => f.id === item.found?.field?.id)} /> : <Request issue={item.name} />}</ListBoxItem>}
              </ListBox>
            </div>
          )}
          <p className={says ? 'quick-search-says' : 'visually-hidden'} role="status">{says ?? t('search.count', { count: items.length })}</p>
        </>
      )}
    </Autocomplete>
  );
}

function Request({ issue }: { issue: string }) {
  return (
    <>
      <Icon name="section" />
      <span className="quick-search-text">
        <span className="quick-search-name"><bdi>{issue}</bdi></span>
        <span className="choice-detail">{t('search.request.open', { key: issue })}</span>
      </span>
      <span className="lozenge">{t('search.request')}</span>
    </>
  );
}

function Marked({ text, wanted }: { text: string; wanted: string }) {
  return <bdi>{highlighted(text, wanted).map((p, i) => (p.found ? <mark key={i}>{p.text}</mark> : <span key={i}>{p.text}</span>))}</bdi>;
}

function Result({ item, wanted, field }: { item: Found; wanted: string; field: Field | undefined }) {
  const reader = useReader();
  const person = usePersonName(field?.type === 'user' && typeof item.field?.value === 'string' ? item.field.value : null);
  return (
    <>
      <Avatar name={item.name} small square={item.entity === 'organization'} />
      <span className="quick-search-text">
        <span className="quick-search-name"><Marked text={item.name} wanted={wanted} /></span>
        {field && item.field
          ? <span className="choice-detail"><bdi>{field.name}</bdi>: <Marked text={plainText(field, item.field.value, reader, () => person)} wanted={wanted} /></span>
          : item.email && <span className="choice-detail"><Marked text={item.email} wanted={wanted} /></span>}
      </span>
      <span className="lozenge">{t(item.entity === 'customer' ? 'search.customer' : 'search.organization')}</span>
    </>
  );
}
