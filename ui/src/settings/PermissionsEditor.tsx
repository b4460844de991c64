/** Who may browse, edit and configure. */
import { useState } from 'react';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { Tag, TagGroup, TagList, Label, Button as AriaButton } from 'react-aria-components';
import { useServices } from '../app/services';
import { asProblem } from '../api/problem';
import { keys } from '../api/queries';
import type { Holder, Permissions } from '../api/types';
import { useSettled } from '../customers/RecordTable';
import { announce } from '../kit/announce';
import { SearchInput } from '../kit/fields';
import { showFlag } from '../kit/flags';
import { Icon } from '../kit/Icon';
import { ProblemNotice, Skeleton } from '../kit/Notice';
import { t } from '../messages';

const PERMISSIONS = ['browse', 'edit', 'configure'] as const;
type Permission = (typeof PERMISSIONS)[number];

/** Holders that are no group or role, and so are not found by the search. */
const FIXED: Holder[] = [{ kind: 'agents' }, { kind: 'jiraAdmins' }];

export const holderKey = (h: Holder): string => `${h.kind}:${h.id ?? ''}`;

function holderName(h: Holder): string {
  return h.kind === 'agents' || h.kind === 'jiraAdmins' ? t(`holder.${h.kind}`) : (h.name ?? h.id ?? t('value.unknown'));
}

export function PermissionsEditor() {
  const { calls } = useServices();
  const client = useQueryClient();
  const permissions = useQuery({ queryKey: keys.permissions, queryFn: () => calls.permissions() });
  if (permissions.isPending) return <Skeleton rows={4} />;
  if (!permissions.data) return <ProblemNotice error={permissions.error} onRetry={() => void permissions.refetch()} />;

  const save = async (next: Permissions) => {
    const before = permissions.data;
    client.setQueryData(keys.permissions, next);
    try {
      client.setQueryData(keys.permissions, await calls.setPermissions(next));
      announce(t('permissions.saved'));
    } catch (error) {
      client.setQueryData(keys.permissions, before);
      await client.invalidateQueries({ queryKey: keys.permissions });
      const problem = asProblem(error);
      const code = problem.kind;
      showFlag({ tone: 'error', text: `${t(`problem.${code}.title`)}. ${problem.detail ?? t(`problem.${code}.do`)}` });
    }
  };
  return (
    <div className="permissions">
      <p className="page-intro">{t('permissions.intro')}</p>
      {PERMISSIONS.map((p) => (
        <PermissionCard key={p} permission={p} holders={permissions.data[p]} onChange={(holders) => void save({ ...permissions.data, [p]: holders })} />
      ))}
    </div>
  );
}

function PermissionCard({ permission, holders, onChange }: { permission: Permission; holders: Holder[]; onChange: (holders: Holder[]) => void }) {
  const name = t(`permissions.${permission}`);
  return (
    <section className="permission card" aria-label={name}>
      <h2 className="permission-title">{name}</h2>
      <p className="page-intro">{t(`permissions.${permission}.detail`)}</p>
      <TagGroup className="holders" onRemove={(gone) => onChange(holders.filter((h) => !gone.has(holderKey(h))))}>
        <Label className="visually-hidden">{t('permissions.holders', { permission: name })}</Label>
        <TagList className="tags" items={holders.map((h) => ({ ...h, key: holderKey(h) }))} renderEmptyState={() => <span className="value-empty">{t('permissions.nobody')}</span>}>
          {(h) => (
            <Tag id={h.key} textValue={holderName(h)} className="tag holder">
              <bdi>{holderName(h)}</bdi>
              <span className="tag-note">{h.kind === 'group' || h.kind === 'projectRole' ? t(`holder.${h.kind}`) : null}</span>
              <AriaButton slot="remove" className="holder-remove"><Icon name="close" small /></AriaButton>
            </Tag>
          )}
        </TagList>
      </TagGroup>
      <AddHolder label={t('permissions.add', { permission: name })} held={holders} onAdd={(h) => onChange([...holders, h])} />
    </section>
  );
}

function AddHolder({ label, held, onAdd }: { label: string; held: Holder[]; onAdd: (holder: Holder) => void }) {
  const { calls } = useServices();
  const [text, setText] = useState('');
  const query = useSettled(text.trim());
  const found = useQuery({ queryKey: ['holders', query], queryFn: () => calls.holders(query), placeholderData: keepPreviousData });
  const taken = new Set(held.map(holderKey));
  const fixed = FIXED.filter((h) => holderName(h).toLocaleLowerCase().includes(query.toLocaleLowerCase()));
  const offered = new Map([...fixed, ...(found.data?.items ?? [])].filter((h) => !taken.has(holderKey(h))).map((h) => [holderKey(h), h]));
  return (
    <SearchInput key={held.length} label={label} value={null} text={text} onText={setText} busy={found.isFetching} placeholder={t('permissions.add.label')}
      found={[...offered].map(([id, h]) => ({ id, label: holderName(h), ...(h.kind === 'group' || h.kind === 'projectRole' ? { detail: t(`holder.${h.kind}`) } : {}) }))}
      onChange={(id) => {
        const holder = id === null ? undefined : offered.get(id);
        setText('');
        if (holder) onAdd({ kind: holder.kind, ...(holder.id ? { id: holder.id } : {}), ...(holder.name ? { name: holder.name } : {}) });
      }} />
  );
}
