import { useValues } from '../api/queries';
import type { Counts, Field, Section } from '../api/types';
import { useFullPage } from '../app/fullPage';
import { Entitlements } from '../entitlements/Entitlements';
import { Avatar } from '../kit/Avatar';
import { IconButton } from '../kit/Button';
import { ProblemNotice, Skeleton } from '../kit/Notice';
import { t } from '../messages';
import { FieldSections } from '../values/FieldSections';
import { CountLinks } from './PersonCard';

interface Props {
  organization: { id: string; name: string; counts?: Counts | null };
  fields: Field[];
  sections: Section[];
  mayEdit: boolean;
}

/** An organization of the customer, with its own fields, below the customer's. */
export function OrganizationBlock({ organization, fields, sections, mayEdit }: Props) {
  const subject = { entity: 'organization' as const, id: organization.id };
  const values = useValues(subject);
  const openFull = useFullPage();
  return (
    <section className="organization" aria-label={`${t('panel.organization')}: ${organization.name}`}>
      <header className="organization-head">
        <Avatar name={organization.name} small square />
        <div className="organization-names">
          <p className="organization-kind">{t('panel.organization')}</p>
          <h2 className="organization-name"><bdi>{organization.name}</bdi></h2>
        </div>
        <IconButton icon="external" label={`${t('panel.full')}: ${organization.name}`} onPress={() => void openFull(`#/organizations/${encodeURIComponent(organization.id)}`)} />
      </header>
      {organization.counts && <CountLinks counts={organization.counts} />}
      <Entitlements organization={organization} compact />
      {fields.length > 0 && values.isPending && <Skeleton rows={2} />}
      {values.isError && !values.data && <ProblemNotice error={values.error} onRetry={() => void values.refetch()} />}
      {fields.length > 0 && values.data && (
        <FieldSections subject={subject} fields={fields} sections={sections} values={values.data} mayEdit={() => mayEdit} name={organization.name} foldEmpty level={3} />
      )}
    </section>
  );
}
