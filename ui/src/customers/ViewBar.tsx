/** Which view a table shows, and what can be done with it: open, save, rename, copy, share, start with, delete. */
import { useState } from 'react';
import { Button as AriaButton, Checkbox, Form, Header, Menu, MenuItem, MenuSection, MenuTrigger, Popover, Separator } from 'react-aria-components';
import { useQueryClient } from '@tanstack/react-query';
import { useServices } from '../app/services';
import { asProblem, errorAt } from '../api/problem';
import { keys } from '../api/queries';
import type { SavedView } from '../api/types';
import { Button, IconButton } from '../kit/Button';
import { DialogBox } from '../kit/Dialogs';
import { TextInput } from '../kit/fields';
import { showFlag } from '../kit/flags';
import { Icon } from '../kit/Icon';
import { t } from '../messages';
import type { TableView } from './useTableView';

const LONGEST_NAME = 100;

export function ViewBar({ table }: { table: TableView }) {
  const { view, views, entity } = table;
  const actions = useViewActions(table);
  const [naming, setNaming] = useState<Naming | null>(null);
  const everything = t(`view.all.${entity}`);
  const own = views.filter((v) => v.mine && !v.shared);
  const shared = views.filter((v) => v.shared);
  const item = (v: SavedView) => (
    <MenuItem key={v.id} id={v.id} textValue={v.name} className="menu-item">
      <Icon name={v.id === view?.id ? 'check' : v.shared ? 'person' : 'section'} small /><bdi className="view-name">{v.name}</bdi>{v.isDefault && <span className="lozenge">{t('view.default')}</span>}
    </MenuItem>
  );
  const run = (key: string) => {
    if (key === 'as') setNaming({ title: t('view.save.as'), name: view ? t('view.copy', { name: view.name }) : '', shared: false, save: actions.saveAs });
    else if (key === 'copy' && view) setNaming({ title: t('view.duplicate'), name: t('view.copy', { name: view.name }), shared: false, save: (name, share) => actions.copy(view, name, share) });
    else if (key === 'rename' && view) setNaming({ title: t('view.rename.title', { name: view.name }), name: view.name, shared: null, save: (name) => actions.change(view, { name }, t('view.saved', { name })) });
    else if (key === 'share' && view) void actions.share(view, !view.shared);
    else if (key === 'begin' && view) void actions.begin(view, !view.isDefault);
    else if (key === 'delete' && view) void actions.remove(view);
    else if (key === 'discard') table.discard();
  };
  return (
    <div className="view-bar">
      <MenuTrigger>
        <AriaButton className="button button-subtle view-button" aria-label={t('view.choose', { name: view?.name ?? everything })}>
          <span className="button-text"><bdi>{view?.name ?? everything}</bdi></span><Icon name="chevron" small />
        </AriaButton>
        <Popover className="popover" placement="bottom start">
          <Menu className="menu view-menu" onAction={(key) => table.open(views.find((v) => v.id === key) ?? null)}>
            <MenuItem id="all" className="menu-item" textValue={everything}><Icon name={view ? 'section' : 'check'} small /><span className="view-name">{everything}</span></MenuItem>
            {own.length > 0 && <MenuSection><Header className="menu-head">{t('view.own')}</Header>{own.map(item)}</MenuSection>}
            {shared.length > 0 && <MenuSection><Header className="menu-head">{t('view.shared')}</Header>{shared.map(item)}</MenuSection>}
          </Menu>
        </Popover>
      </MenuTrigger>
      {table.changed && <span className="lozenge lozenge-new">{t('view.changed')}</span>}
      {table.changed && view?.mayChange && <Button kind="primary" small onPress={() => void actions.save(view)}>{t('view.save.changes')}</Button>}
      {(!view && (table.changed || table.query !== '')) && <Button small onPress={() => run('as')}>{t('view.save')}</Button>}
      <MenuTrigger>
        <IconButton icon="more" label={t('view.actions')} tooltip={false} />
        <Popover className="popover" placement="bottom start">
          <Menu className="menu" onAction={(key) => run(String(key))}>
            <MenuItem id="as" className="menu-item"><Icon name="add" small />{t('view.save.as')}</MenuItem>
            {table.changed && <MenuItem id="discard" className="menu-item"><Icon name="back" small />{t(view ? 'view.discard' : 'table.columns.reset')}</MenuItem>}
            {view && <MenuItem id="copy" className="menu-item"><Icon name="copy" small />{t('view.duplicate')}</MenuItem>}
            {view && <MenuItem id="begin" className="menu-item"><Icon name="clock" small />{t(view.isDefault ? 'view.begin.not' : 'view.begin')}</MenuItem>}
            {view?.mayChange && <MenuItem id="rename" className="menu-item"><Icon name="edit" small />{t('view.rename')}</MenuItem>}
            {view?.mine && <MenuItem id="share" className="menu-item"><Icon name="person" small />{t(view.shared ? 'view.unshare' : 'view.share')}</MenuItem>}
            {view?.mayChange && <Separator className="menu-line" />}
            {view?.mayChange && <MenuItem id="delete" className="menu-item menu-danger"><Icon name="close" small />{t('view.delete')}</MenuItem>}
          </Menu>
        </Popover>
      </MenuTrigger>
      {naming && <NameDialog {...naming} onClose={() => setNaming(null)} />}
    </div>
  );
}

/** What a view names and nobody can show, above the table. */
export function ViewNotice({ table }: { table: TableView }) {
  const gone = table.view?.gone ?? [];
  if (!table.missing && gone.length === 0) return null;
  const names = gone.map((g) => g.name ?? t('view.fields.unnamed')).join(', ');
  return (
    <p className="notice notice-warning page-notice" role="status">
      <Icon name="info" />
      {table.missing ? <span><strong>{t('view.gone.title')}</strong> {t('view.gone.detail')}</span> : <bdi>{t('view.fields.gone', { names })}</bdi>}
    </p>
  );
}

interface Naming {
  title: string;
  name: string;
  /** Null: not asked. */
  shared: boolean | null;
  /** Rejects with what is wrong. */
  save: (name: string, shared: boolean) => Promise<void>;
}

function NameDialog({ title, name: before, shared: share, save, onClose }: Naming & { onClose: () => void }) {
  const [name, setName] = useState(before);
  const [shared, setShared] = useState(share ?? false);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    if (name.trim() === '') return setError(t('invalid.required'));
    setBusy(true);
    try {
      await save(name.trim(), shared);
      onClose();
    } catch (failed) {
      const problem = asProblem(failed);
      setError(errorAt(problem, '/name') ?? problem.errors[0]?.detail ?? problem.detail ?? t(`problem.${problem.kind}.do`));
    } finally {
      setBusy(false);
    }
  };
  return (
    <DialogBox title={title} onClose={onClose} dismissable={false}
      foot={<><Button kind="subtle" onPress={onClose}>{t('act.cancel')}</Button><Button kind="primary" isDisabled={busy} onPress={() => void submit()}>{t('act.save')}</Button></>}>
      <Form className="form" onSubmit={(e) => { e.preventDefault(); void submit(); }}>
        <TextInput label={t('view.name')} value={name} onChange={(v) => { setName(v); setError(null); }} required error={error} maxLength={LONGEST_NAME} autoFocus />
        {share !== null && (
          <Checkbox className="checkbox" isSelected={shared} onChange={setShared}>
            <span className="checkbox-box"><Icon name="check" small /></span>
            <span className="choice-text">{t('view.share.label')}<span className="choice-detail">{t('view.share.help')}</span></span>
          </Checkbox>
        )}
      </Form>
    </DialogBox>
  );
}

function useViewActions(table: TableView) {
  const { calls } = useServices();
  const client = useQueryClient();
  const read = () => client.invalidateQueries({ queryKey: keys.views(table.entity) });
  const failed = (error: unknown) => {
    const problem = asProblem(error);
    showFlag({ tone: 'error', text: problem.errors[0]?.detail ?? problem.detail ?? t(`problem.${problem.kind}.do`) });
    // A conflict: what stands now is shown, and can be changed.
    void read();
  };
  const tried = async (act: () => Promise<void>) => {
    try {
      await act();
    } catch (error) {
      failed(error);
    }
  };
  const done = (text: string) => showFlag({ tone: 'success', text });

  /** Rejects with what is wrong. */
  const change = async (view: SavedView, to: Partial<Pick<SavedView, 'name' | 'query' | 'columns' | 'shared'>>, said: string) => {
    const { name, query, columns, shared } = { ...view, ...to };
    await calls.setView(view, { name, query, columns, shared });
    await read();
    done(said);
  };
  const make = async (name: string, shared: boolean, query: string, columns: SavedView['columns']) => {
    const made = await calls.addView({ entity: table.entity, name, query, columns, shared });
    await read();
    table.open(made);
    done(t('view.saved', { name }));
  };
  return {
    change,
    saveAs: (name: string, shared: boolean) => make(name, shared, table.query, table.layout),
    copy: (view: SavedView, name: string, shared: boolean) => make(name, shared, view.query, view.columns),
    save: (view: SavedView) => tried(async () => {
      await change(view, { query: table.query, columns: table.layout }, t('view.saved', { name: view.name }));
      table.settle();
    }),
    share: (view: SavedView, shared: boolean) => tried(() => change(view, { shared }, t(shared ? 'view.isshared' : 'view.unshared', { name: view.name }))),
    begin: (view: SavedView, begins: boolean) => tried(async () => {
      await calls.beginWith(view, begins);
      await read();
      done(begins ? t('view.begins', { name: view.name }) : t('view.begins.all'));
    }),
    remove: (view: SavedView) => tried(async () => {
      await calls.removeView(view);
      table.open(null);
      await read();
      const undo = () => void tried(async () => {
        const back = await calls.restoreView(view.id);
        await read();
        table.open(back);
        done(t('view.restored', { name: view.name }));
      });
      showFlag({ tone: 'info', text: t('view.deleted', { name: view.name }), action: { label: t('act.undo'), run: undo } });
    }),
  };
}
