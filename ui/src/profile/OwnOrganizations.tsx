/** The organizations that a customer belongs to, each with what is shared of it. They read it here; the support team alone changes it. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { keys } from '../api/queries';
import type { Field, OwnOrganization, Section } from '../api/types';
import { useServices } from '../app/services';
import { Avatar } from '../kit/Avatar';
import { Button } from '../kit/Button';
import { ProblemNotice } from '../kit/Notice';
import { t } from '../messages';
import { grouped } from '../values/FieldSections';
import { ValueView } from '../values/ValueView';

export function useOwnOrganizations() {
  const { calls, me } = useServices();
  const found = useInfiniteQuery({
    queryKey: keys.ownOrganizations(me.accountId),
    queryFn: ({ pageParam }) => calls.ownOrganizations(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.nextCursor ?? undefined,
  });
  const pages = found.data?.pages ?? [];
  const organizations = pages.flatMap((page) => page.items);
  return { found, organizations, fields: pages[0]?.fields ?? [], sections: pages[0]?.sections ?? [], anyShared: organizations.some((one) => one.values.length > 0) };
}

type Own = ReturnType<typeof useOwnOrganizations>;

/** On the profile: each organization, by its name at least. */
export function OwnOrganizations({ own }: { own: Own }) {
  const { transport } = useServices();
  const { found, organizations, fields, sections, anyShared } = own;
  const problem = found.isError && <ProblemNotice error={found.error} forge={transport.kind !== 'session'} onRetry={() => void found.refetch()} />;
  // Whoever belongs to none reads nothing of it.
  if (organizations.length === 0) return problem || null;
  return (
    <section className="card own-organizations" aria-label={t('portal.organizations')}>
      <div>
        <h2 className="side-title">{t('portal.organizations')}</h2>
        {anyShared && <p className="own-note">{t('portal.organizations.intro')}</p>}
      </div>
      {fields.length === 0 ? (
        <ul className="own-names">{organizations.map((one) => <li key={one.id}><bdi>{one.name}</bdi></li>)}</ul>
      ) : organizations.map((one) => <SharedOf key={one.id} organization={one} fields={fields} sections={sections} level={3} />)}
      {problem}
      {found.hasNextPage && !found.isError && (
        <p><Button onPress={() => void found.fetchNextPage()} isDisabled={found.isFetchingNextPage}>{t(found.isFetchingNextPage ? 'app.loading' : 'act.more')}</Button></p>
      )}
    </section>
  );
}

/** Below a request: those of which something is shared. */
export function SharedOrganizations({ own }: { own: Own }) {
  const told = own.organizations.filter((one) => one.values.length > 0);
  if (told.length === 0) return null;
  return <div className="own-organizations">{told.map((one) => <SharedOf key={one.id} organization={one} fields={own.fields} sections={own.sections} level={2} />)}</div>;
}

/** One organization: its fields that have a value, under their sections. */
export function SharedOf({ organization, fields, sections, level }: { organization: OwnOrganization; fields: Field[]; sections: Section[]; level: 2 | 3 }) {
  const [Name, Title] = level === 2 ? (['h2', 'h3'] as const) : (['h3', 'h4'] as const);
  const held = new Map(organization.values.map((value) => [value.fieldId, value]));
  const groups = grouped(fields.filter((field) => held.has(field.id)), sections);
  return (
    <div className="own-organization" data-organization={organization.id}>
      <div className="organization-head">
        <Avatar name={organization.name} small square />
        <Name className="organization-name"><bdi>{organization.name}</bdi></Name>
      </div>
      {groups.length === 0 ? <p className="own-note">{t('portal.organizations.nothing')}</p> : (
        <div className="sections">
          {groups.map(({ section, fields: inside }) => (
            <div key={section?.id ?? 'none'} className="section">
              {section && <Title className="section-title"><bdi>{section.name}</bdi></Title>}
              <dl>
                {inside.map((field) => (
                  <div key={field.id} className="field" data-field={field.id}>
                    <dt className="field-label"><bdi>{field.name}</bdi></dt>
                    <dd className="field-value"><div className="field-content"><SharedValue field={field} value={held.get(field.id)} /></div></dd>
                  </div>
                ))}
              </dl>
            </div>
          ))}
        </div>
      )}
    </div>
  );
}

function SharedValue({ field, value }: { field: Field; value: OwnOrganization['values'][number] | undefined }) {
  // Customers may not look people up; the server says the name with the value.
  if (field.type === 'user' && value) return <span className="person-value"><Avatar name={value.text} small /><bdi>{value.text}</bdi></span>;
  return <ValueView field={field} value={value?.value} />;
}
