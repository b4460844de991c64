/** Takes along what the table shows: the query, its order, the columns. */
import { useState } from 'react';
import { Button as AriaButton, Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components';
import { useFullPage } from '../app/fullPage';
import { useServices } from '../app/services';
import { asProblem, problemOf } from '../api/problem';
import type { Entity, ExportFormat } from '../api/types';
import { Button } from '../kit/Button';
import { showFlag } from '../kit/flags';
import { Icon } from '../kit/Icon';
import { saveFile } from '../kit/saveFile';
import { t } from '../messages';

interface Props {
  entity: Entity;
  query: string;
  search: string;
  columns: string[];
  /** This page by its hash, for where a frame cannot receive files. */
  hash: string;
}

const FORMATS: ExportFormat[] = ['csv', 'xlsx', 'json'];

export function ExportMenu({ entity, query, search, columns, hash }: Props) {
  const { transport } = useServices();
  const openFull = useFullPage();
  const [busy, setBusy] = useState(false);
  const download = transport.download?.bind(transport);
  if (!download) {
    return <Button icon="export" onPress={() => void openFull(hash)}>{t('export.title')}<span className="visually-hidden"> {t('panel.newtab')}</span></Button>;
  }
  const take = async (format: ExportFormat) => {
    setBusy(true);
    try {
      const body = { format, columns, ...(query ? { query } : {}), ...(search ? { search } : {}) };
      const { status, headers, file } = await download(`/api/v1/${entity}s/export`, JSON.stringify(body));
      if (status !== 200) throw problemOf(status, JSON.parse(await file.text()) as unknown, headers['retry-after'] ?? null);
      const name = /filename="([^"]+)"/.exec(headers['content-disposition'] ?? '')?.[1] ?? `${entity}s.${format}`;
      saveFile(file, name);
      showFlag({ tone: 'success', text: t('export.done', { name }) });
    } catch (error) {
      const problem = asProblem(error);
      showFlag({ tone: 'error', text: problem.detail ?? t(`problem.${problem.kind}.do`) });
    } finally {
      setBusy(false);
    }
  };
  return (
    <MenuTrigger>
      <AriaButton className="button button-default" isDisabled={busy}><Icon name="export" small /><span className="button-text">{busy ? t('export.busy') : t('export.title')}</span></AriaButton>
      <Popover className="popover" placement="bottom end">
        <Menu className="menu" onAction={(key) => void take(key as ExportFormat)}>
          {FORMATS.map((format) => <MenuItem key={format} id={format} className="menu-item">{t(`export.${format}`)}</MenuItem>)}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
