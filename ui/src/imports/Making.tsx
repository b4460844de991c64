/** Customers whom an import makes in Jira: asked for with the columns, listed afterwards, and what an undo does with them. */
import { useState } from 'react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Checkbox, Switch } from 'react-aria-components';
import { errorAt, type ApiProblem } from '../api/problem';
import { keys } from '../api/queries';
import type { Import, ImportMade, MakeCustomers } from '../api/types';
import { useOrganizationSearch, useProjectChoices } from '../adding/useAdding';
import { href } from '../app/route';
import { useServices } from '../app/services';
import { useSettled } from '../customers/RecordTable';
import { Button } from '../kit/Button';
import { DialogBox } from '../kit/Dialogs';
import { ManyChoicesInput, SearchInput } from '../kit/fields';
import { Icon } from '../kit/Icon';
import { ProblemNotice, Skeleton } from '../kit/Notice';
import { t, tn } from '../messages';

const NOWHERE: MakeCustomers = { projectIds: [], organizationIds: [] };

/** What is wrong with a place stands at its number: the first of them is told. */
function wrongPlace(problem: ApiProblem | null, pointer: string): string | undefined {
  return problem?.errors.find((e) => e.pointer === pointer || e.pointer?.startsWith(`${pointer}/`))?.detail;
}

export function MakingSection({ value, onChange, problem }: { value: MakeCustomers | null; onChange: (value: MakeCustomers | null) => void; problem: ApiProblem | null }) {
  const whole = problem && errorAt(problem, '/makeCustomers');
  return (
    <section className="import-part">
      <h3 className="permission-title">{t('imports.make')}</h3>
      <Switch className="switch" isSelected={value !== null} onChange={(on) => onChange(on ? NOWHERE : null)}>
        <span className="switch-track"><span className="switch-knob" /></span>
        <span className="choice-text">{t('imports.make.on')}<span className="choice-detail">{t('imports.make.detail')}</span></span>
      </Switch>
      {whole && <p className="control-error"><Icon name="error" small />{whole}</p>}
      {value && <Places value={value} onChange={onChange} problem={problem} />}
    </section>
  );
}

function Places({ value, onChange, problem }: { value: MakeCustomers; onChange: (value: MakeCustomers) => void; problem: ApiProblem | null }) {
  const { calls } = useServices();
  const projects = useProjectChoices();
  const [chosen = null] = value.organizationIds;
  const [typed, setTyped] = useState<string | null>(null);
  // Somebody who comes back to the columns sees by name what was chosen before.
  const before = useQuery({ queryKey: ['organization', chosen], queryFn: () => calls.organization(chosen ?? ''), enabled: chosen !== null && typed === null });
  const text = typed ?? before.data?.name ?? '';
  const found = useOrganizationSearch(useSettled(text.trim()));
  return (
    <div className="import-places">
      {projects.error && <ProblemNotice error={projects.error} />}
      {projects.choices.length > 0 && (
        <ManyChoicesInput label={t('adding.projects')} help={t('adding.projects.help')} value={value.projectIds} onChange={(projectIds) => onChange({ ...value, projectIds })} choices={projects.choices} error={wrongPlace(problem, '/makeCustomers/projectIds')} />
      )}
      <SearchInput label={t('adding.organization.of')} value={chosen} text={text} onText={setTyped} busy={found.busy} placeholder={t('adding.organization.choose')} found={found.choices} error={wrongPlace(problem, '/makeCustomers/organizationIds')}
        onChange={(id) => { onChange({ ...value, organizationIds: id ? [id] : [] }); setTyped(found.choices.find((o) => o.id === id)?.label ?? ''); }} />
    </div>
  );
}

/** Who was made, in the order of the file. */
export function MadeList({ one }: { one: Import }) {
  const { calls } = useServices();
  const list = useInfiniteQuery({
    queryKey: keys.importMade(one.id, one.updatedAt),
    queryFn: ({ pageParam }) => calls.importMade(one.id, pageParam ?? undefined),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor ?? null,
  });
  const people = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section className="import-part">
      <h3 className="permission-title">{t('imports.made.title')}</h3>
      {list.isPending && <Skeleton rows={2} />}
      {list.isError && <ProblemNotice error={list.error} onRetry={() => void list.refetch()} />}
      {list.isSuccess && people.length === 0 && <p className="page-intro">{t('imports.made.gone')}</p>}
      {people.length > 0 && <ul className="import-rows">{people.map((person) => <Person key={person.row} person={person} />)}</ul>}
      {list.hasNextPage && <div className="table-more"><Button onPress={() => void list.fetchNextPage()} isDisabled={list.isFetchingNextPage}>{t('act.more')}</Button></div>}
    </section>
  );
}

function Person({ person }: { person: ImportMade }) {
  return (
    <li className="import-row">
      <p className="import-whose">
        {person.accountId
          ? <a className="link" href={href.customer(person.accountId)}><bdi>{person.displayName ?? person.accountId}</bdi></a>
          : <span>{t('imports.made.row', { row: person.row })}</span>}
        <span className={person.state === 'kept' || person.state === 'partly' ? 'import-error' : 'import-line'}>{t(`imports.made.${person.state}`)}</span>
      </p>
    </li>
  );
}

export function UndoQuestion({ one, onConfirm, onClose }: { one: Import; onConfirm: (takeAccess: boolean) => void; onClose: () => void }) {
  // Where nothing else can be undone, the tick is what it is about.
  const only = one.valuesWritten === 0;
  const [takes, setTakes] = useState(only);
  return (
    <DialogBox title={t('imports.undo.title')} onClose={onClose}
      foot={<><Button kind="subtle" onPress={onClose}>{t('act.cancel')}</Button><Button kind="danger" onPress={() => onConfirm(takes)} isDisabled={only && !takes} autoFocus>{t('imports.undo')}</Button></>}>
      <div className="form">
        {!only && <p>{t('imports.undo.detail')}</p>}
        {one.accessGiven && (
          <Checkbox className="checkbox" isSelected={takes} onChange={setTakes}>
            <span className="checkbox-box"><Icon name="check" small /></span>
            <span className="choice-text"><span>{tn('imports.undo.access', one.customersMade)}</span><span className="choice-detail">{t('imports.undo.access.detail')}</span></span>
          </Checkbox>
        )}
      </div>
    </DialogBox>
  );
}
