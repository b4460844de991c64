/** Takes along what is held about a person, as JSON. */
import { useState } from 'react';
import { useFullPage } from '../app/fullPage';
import { useServices } from '../app/services';
import { asProblem, problemOf } from '../api/problem';
import { Button } from '../kit/Button';
import { showFlag } from '../kit/flags';
import { saveFile } from '../kit/saveFile';
import { t } from '../messages';

/** `hash`: this page, for where a frame cannot receive files. */
export function CopyButton({ accountId, hash }: { accountId: string; hash: string }) {
  const { transport } = useServices();
  const openFull = useFullPage();
  const [busy, setBusy] = useState(false);
  const download = transport.download?.bind(transport);
  if (!download) {
    return <Button icon="export" onPress={() => void openFull(hash)}>{t('held.copy')}<span className="visually-hidden"> {t('panel.newtab')}</span></Button>;
  }
  const take = async () => {
    setBusy(true);
    try {
      const { status, headers, file } = await download(`/api/v1/customers/${encodeURIComponent(accountId)}/copy`, '');
      if (status !== 200) throw problemOf(status, JSON.parse(await file.text()) as unknown, headers['retry-after'] ?? null);
      const name = /filename="([^"]+)"/.exec(headers['content-disposition'] ?? '')?.[1] ?? 'held-about-you.json';
      saveFile(file, name);
      showFlag({ tone: 'success', text: t('held.copy.done', { name }) });
    } catch (error) {
      const problem = asProblem(error);
      showFlag({ tone: 'error', text: problem.detail ?? t(`problem.${problem.kind}.do`) });
    } finally {
      setBusy(false);
    }
  };
  return <Button icon="export" isDisabled={busy} onPress={() => void take()}>{busy ? t('held.copy.busy') : t('held.copy')}</Button>;
}
