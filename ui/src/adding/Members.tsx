/** Who belongs to an organization; whoever may edit lets people in and takes them out. */
import { useState } from 'react';
import type { Organization } from '../api/types';
import { href } from '../app/route';
import { useMay, useServices } from '../app/services';
import { useSettled } from '../customers/RecordTable';
import { Avatar } from '../kit/Avatar';
import { IconButton } from '../kit/Button';
import { SearchInput } from '../kit/fields';
import { showFlag } from '../kit/flags';
import { t, tn } from '../messages';
import { showProblem, useAgain, useCustomerSearch } from './useAdding';

export function Members({ organization }: { organization: Organization }) {
  const { calls } = useServices();
  const mayEdit = useMay('edit');
  const again = useAgain();
  const [busy, setBusy] = useState(false);
  const members = organization.members ?? [];
  const more = organization.memberCount - members.length;

  const change = async (join: boolean, accountId: string, name: string, undoable = true) => {
    setBusy(true);
    try {
      await (join ? calls.addMembers(organization.id, [accountId]) : calls.removeMember(organization.id, accountId));
      showFlag({
        tone: 'success',
        text: t(join ? 'adding.member.done' : 'adding.member.removed', { name, organization: organization.name }),
        action: undoable ? { label: t('act.undo'), run: () => void change(!join, accountId, name, false) } : undefined,
      });
    } catch (error) {
      showProblem(error);
    }
    await again();
    setBusy(false);
  };
  return (
    <>
      <h2 className="side-title">{t('organizations.members.title')}</h2>
      {mayEdit && <AddMember key={organization.memberCount} disabled={busy} held={members.map((m) => m.accountId)} onChosen={(id, name) => void change(true, id, name)} />}
      {members.length === 0 && <p className="control-help">{t('adding.members.none')}</p>}
      <ul className="members">
        {members.map((m) => (
          <li key={m.accountId} className="member">
            <a className="cell-name" href={href.customer(m.accountId)}><Avatar name={m.displayName} small /><bdi>{m.displayName}</bdi></a>
            {mayEdit && <IconButton icon="close" label={t('adding.member.remove', { name: m.displayName ?? m.accountId })} isDisabled={busy} onPress={() => void change(false, m.accountId, m.displayName ?? m.accountId)} />}
          </li>
        ))}
      </ul>
      {more > 0 && <p className="control-help">{tn('adding.members.more', more)}</p>}
    </>
  );
}

function AddMember({ held, disabled, onChosen }: { held: string[]; disabled: boolean; onChosen: (accountId: string, name: string) => void }) {
  const [text, setText] = useState('');
  const found = useCustomerSearch(useSettled(text.trim()));
  const choices = found.choices.filter((c) => !held.includes(c.id));
  return (
    <SearchInput label={t('adding.member')} value={null} text={text} onText={setText} busy={found.busy} placeholder={t('adding.member.choose')} found={choices} disabled={disabled}
      onChange={(id) => {
        const chosen = choices.find((c) => c.id === id);
        if (chosen) onChosen(chosen.id, chosen.label);
      }} />
  );
}
