/** What each column is, and how the file is written: guessed, shown with the first rows, and changed here. */
import { useState } from 'react';
import { Form } from 'react-aria-components';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { asProblem, errorAt, type ApiProblem } from '../api/problem';
import { keys } from '../api/queries';
import type { Field, Import, ImportPreview, ImportSettings } from '../api/types';
import { useReader } from '../app/reader';
import { useServices } from '../app/services';
import { Button } from '../kit/Button';
import { ChoiceInput, TextInput, type Choice } from '../kit/fields';
import { Icon } from '../kit/Icon';
import { ProblemNotice, Skeleton } from '../kit/Notice';
import { t } from '../messages';
import { countryChoices } from '../values/countries';
import { MakingSection } from './Making';

type Settings = ImportSettings;
type Dialect = Pick<Settings, 'encoding' | 'delimiter'>;

const ENCODINGS = ['utf8', 'utf16le', 'utf16be', 'windows1252'] as const;
const DELIMITERS = ['comma', 'semicolon', 'tab'] as const;
const DATES = ['iso', 'dayFirst', 'monthFirst'] as const;
const DECIMALS = ['point', 'comma'] as const;
const EMPTY = ['leave', 'clear'] as const;
/** A choice needs an id; a column that is left out is null to the server. */
const NOTHING = 'none';
const SAMPLES = 3;

export function ColumnsForm({ one, fields, onBack }: { one: Import; fields: Field[]; onBack?: () => void }) {
  const { calls } = useServices();
  const [dialect, setDialect] = useState<Dialect>({ encoding: one.settings?.encoding ?? null, delimiter: one.settings?.delimiter ?? null });
  const preview = useQuery({
    queryKey: keys.importPreview(one.id, dialect.encoding, dialect.delimiter), queryFn: () => calls.previewImport(one.id, dialect), placeholderData: keepPreviousData, retry: false,
  });
  if (preview.isPending) return <Skeleton rows={5} />;
  if (!preview.data) {
    // What is wrong with the file stands at it, and no second try mends that.
    const wrong = errorAt(asProblem(preview.error), '/file');
    return wrong ? <p className="notice notice-warning" role="alert"><Icon name="error" small /><span>{wrong}</span></p> : <ProblemNotice error={preview.error} onRetry={() => void preview.refetch()} />;
  }
  const { encoding, delimiter, headers } = preview.data;
  // Another division of the file has other columns: what was chosen for the old ones means nothing.
  return <Columns key={`${encoding} ${delimiter} ${headers.join('\n')}`} one={one} fields={fields} preview={preview.data} onDialect={setDialect} onBack={onBack} />;
}

function Columns({ one, fields, preview, onDialect, onBack }: {
  one: Import; fields: Field[]; preview: ImportPreview; onDialect: (dialect: Dialect) => void; onBack?: (() => void) | undefined;
}) {
  const { calls } = useServices();
  const reader = useReader();
  const client = useQueryClient();
  const { encoding, delimiter, headers, rows, suggested, remembered } = preview;
  const before = one.settings?.columns.length === headers.length ? one.settings : null;
  const [settings, setSettings] = useState<Settings>({ ...(before ?? { ...suggested, timeZone: suggested.timeZone ?? reader.timeZone }), encoding, delimiter });
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [busy, setBusy] = useState(false);
  const change = (part: Partial<Settings>) => { setProblem(null); setSettings({ ...settings, ...part }); };
  const submit = async () => {
    setBusy(true);
    try {
      const checking = await calls.checkImport(one.id, settings);
      client.setQueryData(keys.import(one.id), checking);
      // What the report says now is what was asked for.
      onBack?.();
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  const identities: Choice[] = (one.entity === 'customer' ? (['accountId', 'email', 'displayName'] as const) : (['organizationId', 'name'] as const)).map((id) => ({ id, label: t(`imports.target.${id}`) }));
  const targets: Choice[] = [{ id: NOTHING, label: t('imports.target.none') }, ...identities, ...fields.filter((f) => !f.retired).map((f) => ({ id: f.id, label: f.name, detail: t(`type.${f.type}`) }))];
  const numbers = fields.some((f) => f.type === 'phone' && settings.columns.includes(f.id));
  const whole = problem && (errorAt(problem, '/columns') ?? errorAt(problem, '/file') ?? (problem.errors.length === 0 ? null : undefined));
  return (
    <Form className="import-part" onSubmit={(e) => { e.preventDefault(); void submit(); }}>
      {problem && (whole ? <p className="notice notice-warning" role="alert"><Icon name="error" small /><span>{whole}</span></p> : whole === null && <ProblemNotice error={problem} />)}
      <section className="import-part">
        <h3 className="permission-title">{t('imports.columns')}</h3>
        <p className="page-intro">{t(remembered && !before ? 'imports.remembered' : 'imports.columns.detail')}</p>
        <div className="table-scroll import-columns">
          <table className="table">
            <thead><tr><th scope="col">{t('imports.column')}</th><th scope="col">{t('imports.sample')}</th><th scope="col">{t('imports.is')}</th></tr></thead>
            <tbody>
              {headers.map((header, at) => {
                const name = header.trim() || t('imports.nameless', { number: at + 1 });
                return (
                  <tr key={at}>
                    <th scope="row"><bdi>{name}</bdi></th>
                    <td>{rows.slice(0, SAMPLES).map((row, i) => <span key={i} className="import-sample"><bdi>{row.cells?.[at] ?? ''}</bdi></span>)}</td>
                    <td className="import-target">
                      <ChoiceInput label={t('imports.is.of', { column: name })} value={settings.columns[at] ?? NOTHING} error={problem && errorAt(problem, `/columns/${String(at)}`)} choices={targets}
                        onChange={(id) => change({ columns: settings.columns.map((c, i) => (i === at ? (id === NOTHING ? null : id) : c)) })} />
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      </section>
      <section className="import-part">
        <h3 className="permission-title">{t('imports.reading')}</h3>
        <div className="form-pair">
          <ChoiceInput label={t('imports.encoding')} value={encoding} onChange={(id) => onDialect({ encoding: id as Dialect['encoding'], delimiter })} choices={ENCODINGS.map((id) => ({ id, label: t(`imports.encoding.${id}`) }))} />
          <ChoiceInput label={t('imports.delimiter')} value={delimiter} onChange={(id) => onDialect({ encoding, delimiter: id as Dialect['delimiter'] })} choices={DELIMITERS.map((id) => ({ id, label: t(`imports.delimiter.${id}`) }))} />
          <ChoiceInput label={t('imports.dates')} value={settings.dates} onChange={(id) => change({ dates: id as Settings['dates'] })} choices={DATES.map((id) => ({ id, label: t(`imports.dates.${id}`) }))} />
          <ChoiceInput label={t('imports.decimal')} value={settings.decimal} onChange={(id) => change({ decimal: id as Settings['decimal'] })} choices={DECIMALS.map((id) => ({ id, label: t(`imports.decimal.${id}`) }))} />
          {numbers && (
            <ChoiceInput label={t('imports.country')} none={t('imports.country.none')} value={settings.country} error={problem && errorAt(problem, '/country')} onChange={(country) => change({ country })} choices={countryChoices(reader.locale)} />
          )}
          <ChoiceInput label={t('imports.empty')} value={settings.emptyCells} onChange={(id) => change({ emptyCells: id as Settings['emptyCells'] })} choices={EMPTY.map((id) => ({ id, label: t(`imports.empty.${id}`) }))} />
          <TextInput label={t('imports.separator')} value={settings.listSeparator ?? ';'} maxLength={5} error={problem && errorAt(problem, '/listSeparator')} onChange={(v) => change({ listSeparator: v })} />
        </div>
        <p className="control-help">{t('imports.zone', { zone: settings.timeZone ?? 'UTC' })}</p>
      </section>
      {one.entity === 'customer' && <MakingSection value={settings.makeCustomers} onChange={(makeCustomers) => change({ makeCustomers })} problem={problem} />}
      <div className="editor-actions">
        <Button kind="primary" type="submit" isDisabled={busy}>{t('imports.check')}</Button>
        {onBack && <Button kind="subtle" onPress={onBack}>{t('imports.check.back')}</Button>}
      </div>
    </Form>
  );
}
