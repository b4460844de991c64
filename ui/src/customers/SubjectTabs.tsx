/** The fields of one customer or organization, and their history, on a page of their own. */
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';
import { useMay, useServices } from '../app/services';
import { useFields, useSections, useValues } from '../api/queries';
import type { Subject } from '../api/types';
import { ProblemNotice, Skeleton } from '../kit/Notice';
import { t } from '../messages';
import { NoFields } from '../panel/CustomerPanel';
import { ReadBy } from '../person/ReadBy';
import { FieldSections } from '../values/FieldSections';
import { HistoryList } from '../values/HistoryList';

/** `closed`: it was merged into another one, so nothing is written here any more. */
export function SubjectTabs({ subject, name, closed = false }: { subject: Subject; name: string; closed?: boolean }) {
  const { me } = useServices();
  const mayEdit = useMay('edit') && !closed;
  const mayAskWho = subject.entity === 'customer' && me.role === 'admin';
  const fields = useFields(subject.entity);
  const sections = useSections(subject.entity);
  const values = useValues(subject);
  const failed = [fields, sections, values].find((q) => q.isError && !q.data);
  if (failed) return <ProblemNotice error={failed.error} onRetry={() => void failed.refetch()} />;
  if (!fields.data || !sections.data || !values.data) return <Skeleton rows={5} />;
  return (
    <Tabs className="tabs">
      <TabList className="tab-list" aria-label={name}>
        <Tab id="details" className="tab">{t('panel.details')}</Tab>
        <Tab id="history" className="tab">{t('panel.history')}</Tab>
        {mayAskWho && <Tab id="readings" className="tab">{t('readings.tab')}</Tab>}
      </TabList>
      <TabPanel id="details" className="tab-panel">
        {fields.data.length === 0 ? <NoFields /> : (
          <div className="card">
            <FieldSections subject={subject} fields={fields.data} sections={sections.data} values={values.data} mayEdit={() => mayEdit} name={name} />
          </div>
        )}
      </TabPanel>
      <TabPanel id="history" className="tab-panel">
        <HistoryList subject={subject} field={null} fields={fields.data} mayEdit={() => mayEdit} />
      </TabPanel>
      {mayAskWho && <TabPanel id="readings" className="tab-panel"><ReadBy accountId={subject.id} /></TabPanel>}
    </Tabs>
  );
}
