/** Below a request on the portal: the viewer's own details, as far as they are shared with them, to be put right where they are needed; and what is shared of their organizations. */
import { useServices } from '../app/services';
import { asProblem } from '../api/problem';
import { ProblemNotice, Skeleton } from '../kit/Notice';
import { t } from '../messages';
import { SharedOrganizations, useOwnOrganizations } from '../profile/OwnOrganizations';
import { FieldSections } from '../values/FieldSections';
import { useShared } from './useShared';

export function RequestDetails() {
  const { me } = useServices();
  const { subject, shared, failed, retry } = useShared();
  const own = useOwnOrganizations();
  // An agent who looks at the portal need not be a customer.
  const nothing = <p className="help-nothing">{t('profile.empty.detail')}</p>;
  if (failed) return <main className="help-details">{asProblem(failed).kind === 'notfound' ? nothing : <ProblemNotice error={failed} forge onRetry={retry} />}</main>;
  if (!shared || (shared.fields.length === 0 && own.found.isPending)) return <main className="help-details"><Skeleton rows={3} /></main>;
  return (
    <main className="help-details">
      <h1 className="visually-hidden">{t('profile.title')}</h1>
      {shared.fields.length === 0 ? !own.anyShared && nothing : (
        <FieldSections subject={subject} fields={shared.fields} sections={shared.sections} values={shared.values} mayEdit={(f) => f.audience === 'customerEdit'} name={me.displayName} foldEmpty />
      )}
      <SharedOrganizations own={own} />
    </main>
  );
}
