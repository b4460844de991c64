/** A file whose sending broke off, as far as anybody can tell: it may be gone on with. */
import { useState } from 'react';
import { FileTrigger } from 'react-aria-components';
import { useQueryClient } from '@tanstack/react-query';
import { asProblem, type ApiProblem } from '../api/problem';
import { keys } from '../api/queries';
import type { Import } from '../api/types';
import { useReader } from '../app/reader';
import { useServices } from '../app/services';
import { Button } from '../kit/Button';
import { ProblemNotice } from '../kit/Notice';
import { t } from '../messages';
import { Progress } from './Progress';
import { sendFile } from './sending';

export function Resend({ one }: { one: Import }) {
  const { calls } = useServices();
  const client = useQueryClient();
  const { locale } = useReader();
  const [sent, setSent] = useState<number | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const goOn = async (file: File) => {
    setProblem(null);
    setSent(0);
    try {
      const whole = await sendFile(calls, one, file, (bytes) => setSent(bytes / file.size), () => false);
      client.setQueryData(keys.import(one.id), whole);
      await client.invalidateQueries({ queryKey: keys.import(one.id) });
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setSent(null);
    }
  };
  if (sent !== null) return <div className="card"><Progress label={t('imports.sending', { name: one.fileName })} value={sent} /></div>;
  const size = new Intl.NumberFormat(locale, { style: 'unit', unit: one.bytes < 100_000 ? 'byte' : 'megabyte', unitDisplay: 'long', maximumFractionDigits: 1 });
  return (
    <>
      {problem && <ProblemNotice error={problem} />}
      <div className="import-sent">
        <p className="control-help">{t('imports.arrived', { size: size.format(one.bytes < 100_000 ? one.bytes : one.bytes / 1_000_000) })}</p>
        <FileTrigger onSelect={(files) => { const [file] = files ?? []; if (file) void goOn(file); }}><Button kind="subtle" small>{t('imports.goon')}</Button></FileTrigger>
      </div>
    </>
  );
}
