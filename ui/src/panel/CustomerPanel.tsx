/** The panel beside an issue: its reporter or a participant, their fields, and those of their organizations. */
import { useState } from 'react';
import { keepPreviousData, useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query';
import type { Calls } from '../api/calls';
import { asProblem } from '../api/problem';
import { keys, useValues } from '../api/queries';
import type { Field, Panel, Section, ValueSet } from '../api/types';
import { useFullPage } from '../app/fullPage';
import { useMay, useServices } from '../app/services';
import { Button, IconButton } from '../kit/Button';
import { ChoiceInput } from '../kit/fields';
import { Icon } from '../kit/Icon';
import { EmptyState, ProblemNotice, Skeleton } from '../kit/Notice';
import { t } from '../messages';
import { FieldSections } from '../values/FieldSections';
import { HistoryDrawer } from '../values/HistoryDrawer';
import { laterOf } from '../values/save';
import { More } from './More';
import { OrganizationBlock } from './OrganizationBlock';
import { PersonCard } from './PersonCard';

/** The panel's query. The value sets that come with it go where everything else looks for them. */
export function panelQuery(calls: Calls, client: QueryClient, issue: string, person: string | undefined) {
  return {
    queryKey: keys.panel(issue, person),
    queryFn: async (): Promise<Panel> => {
      const panel = await calls.panel(issue, person);
      if (panel.selected) {
        const { customer, values } = panel.selected;
        client.setQueryData<ValueSet>(keys.values({ entity: 'customer', id: customer.accountId }), (held) => laterOf(held, values));
        for (const o of panel.selected.organizations) {
          client.setQueryData<ValueSet>(keys.values({ entity: 'organization', id: o.id }), (held) => laterOf(held, o.values));
          client.setQueryData(keys.entitlements(o.id), o.entitlements);
        }
      }
      return panel;
    },
  };
}

export function CustomerPanel({ issue }: { issue: string }) {
  const { calls, transport } = useServices();
  const client = useQueryClient();
  const [person, setPerson] = useState<string>();
  const panel = useQuery({ ...panelQuery(calls, client, issue, person), placeholderData: keepPreviousData });

  const heading = <h1 className="visually-hidden">{t('panel.title')}</h1>;
  if (panel.isPending) return <main id="main" className="panel" tabIndex={-1}>{heading}<Skeleton head rows={5} /></main>;
  if (panel.isError) {
    return (
      <main id="main" className="panel" tabIndex={-1}>
        {heading}
        {asProblem(panel.error).kind === 'refused'
          ? <EmptyState icon="person" title={t('panel.forbidden.title')} detail={t('panel.forbidden.detail')} />
          : <ProblemNotice error={panel.error} forge={transport.kind !== 'session'} onRetry={() => void panel.refetch()} />}
      </main>
    );
  }
  return <PanelBody panel={panel.data} stale={panel.isPlaceholderData} onPerson={setPerson} />;
}

function PanelBody({ panel, stale, onPerson }: { panel: Panel; stale: boolean; onPerson: (accountId: string) => void }) {
  const { selected, people } = panel;
  if (!selected) return <main id="main" className="panel" tabIndex={-1}><h1 className="visually-hidden">{t('panel.title')}</h1><EmptyState icon="person" title={t('panel.nobody.title')} detail={t('panel.nobody.detail')} /></main>;
  const { customer } = selected;
  const mayEdit = panel.permissions.includes('edit');
  const of = (entity: Field['entity']) => panel.fields.filter((f) => f.entity === entity);
  const sectionsOf = (entity: Section['entity']) => panel.sections.filter((s) => s.entity === entity);
  return (
    <main id="main" className="panel" tabIndex={-1} aria-busy={stale} aria-label={t('panel.title')}>
      {people.length > 1 && (
        <div className="switcher">
          <ChoiceInput label={t('panel.person')} value={selected.mergedAccountId ?? customer.accountId} onChange={(id) => id && onPerson(id)}
            choices={people.map((p) => ({ id: p.accountId, label: p.displayName, detail: p.roles.map((r) => t(`panel.role.${r}`)).join(', ') }))} />
          <More of="people" count={panel.morePeople} />
        </div>
      )}
      <div key={customer.accountId} className={stale ? 'panel-body panel-stale' : 'panel-body'}>
        <PersonCard customer={customer} counts={selected.counts} timeZone={selected.localTimeZone ?? customer.timeZone} locale={selected.locale} aside={<PanelActions panel={panel} />} />
        {selected.mergedAccountId && <MergedNotice into={customer.accountId} />}
        {panel.fields.length === 0 && <NoFields />}
        {of('customer').length > 0 && (
          <CustomerFields accountId={customer.accountId} name={customer.displayName} fields={of('customer')} sections={sectionsOf('customer')} mayEdit={mayEdit} />
        )}
        {selected.organizations.map((o) => (
          <OrganizationBlock key={o.id} organization={o} fields={of('organization')} sections={sectionsOf('organization')} mayEdit={mayEdit} />
        ))}
        <More of="organizations" count={selected.moreOrganizations} />
      </div>
    </main>
  );
}

/** Whose values are another account's too is not left to be read as if they were not. */
function MergedNotice({ into }: { into: string }) {
  const openFull = useFullPage();
  return (
    <div className="notice notice-warning merge-notice" role="note">
      <Icon name="info" small />
      <span className="merge-words">{t('merge.panel')}</span>
      <Button small onPress={() => void openFull(`#/customers/${encodeURIComponent(into)}`)}>{t('merge.panel.show')}</Button>
    </div>
  );
}

function CustomerFields({ accountId, name, fields, sections, mayEdit }: { accountId: string; name: string; fields: Field[]; sections: Section[]; mayEdit: boolean }) {
  const subject = { entity: 'customer' as const, id: accountId };
  const values = useValues(subject);
  if (values.isPending) return <Skeleton rows={3} />;
  if (!values.data) return <ProblemNotice error={values.error} onRetry={() => void values.refetch()} />;
  return <FieldSections subject={subject} fields={fields} sections={sections} values={values.data} mayEdit={() => mayEdit} name={name} foldEmpty />;
}

function PanelActions({ panel }: { panel: Panel }) {
  const [history, setHistory] = useState(false);
  const openFull = useFullPage();
  const customer = panel.selected?.customer;
  if (!customer) return null;
  const mayEdit = panel.permissions.includes('edit');
  return (
    <div className="person-actions">
      <IconButton icon="history" label={t('panel.history')} onPress={() => setHistory(true)} />
      <IconButton icon="external" label={t('panel.full')} onPress={() => void openFull(`#/customers/${encodeURIComponent(customer.accountId)}`)} />
      {history && (
        <HistoryDrawer subject={{ entity: 'customer', id: customer.accountId }} name={customer.displayName} field={null}
          fields={panel.fields.filter((f) => f.entity === 'customer')} mayEdit={() => mayEdit} onClose={() => setHistory(false)} />
      )}
    </div>
  );
}

export function NoFields() {
  const mayConfigure = useMay('configure');
  const openFull = useFullPage();
  return (
    <EmptyState icon="section" title={t('panel.nofields.title')} detail={mayConfigure ? t('panel.nofields.detail') : `${t('panel.nofields.detail')} ${t('panel.nofields.ask')}`}>
      {mayConfigure && <Button kind="primary" onPress={() => void openFull('#/settings/customer')}>{t('panel.nofields.first')}</Button>}
    </EmptyState>
  );
}
