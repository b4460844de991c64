/**
 * Where this site's server is. It stands on the app's page for administrators, and needs nothing of the server: it is
 * there while no address is known and while nobody answers at the one that is.
 */
import { useEffect, useState } from 'react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Form } from 'react-aria-components';
import { Button } from '../kit/Button';
import { announce } from '../kit/announce';
import { TextInput } from '../kit/fields';
import { Icon } from '../kit/Icon';
import { Skeleton } from '../kit/Notice';
import { t, type MessageKey } from '../messages';
import type { ServerAddress, Transport } from '../transport';
import { LONGEST_ADDRESS, reach, readAddress, type Reached } from './server';

const ADDRESS = ['server-address'];
const REACHED = ['server-reached'];

interface Props {
  transport: Transport;
  server: ServerAddress;
  /** The server answers us now, and did not before. */
  onJoined?: () => void;
}

export function ServerEditor({ transport, server, onJoined }: Props) {
  // The cache takes no undefined.
  const address = useQuery({ queryKey: ADDRESS, queryFn: async () => ({ is: await server.get() }), retry: false, staleTime: Number.POSITIVE_INFINITY });
  const known = address.data?.is;
  const reached = useQuery({ queryKey: REACHED, queryFn: () => reach(transport), retry: false, enabled: !address.isPending && known !== null, gcTime: 0 });
  const joined = reached.data?.state === 'joined' && !reached.isFetching;
  useEffect(() => {
    if (joined) onJoined?.();
  }, [joined, onJoined]);

  if (address.isPending) return <Skeleton rows={2} />;
  return (
    <section className="server" aria-labelledby="server-title">
      <h2 id="server-title" className="server-title">{t('server.title')}</h2>
      <p className="server-intro">{t('server.intro')}</p>
      <State reached={known === null ? null : reached.data} checking={reached.isFetching} />
      {known !== null && <div><Button onPress={() => void reached.refetch()} isDisabled={reached.isFetching}>{t(reached.isFetching ? 'server.checking' : 'server.check')}</Button></div>}
      {address.isError && <p className="control-help">{t('server.unasked', { reason: address.error.message })}</p>}
      {known === undefined && !address.isError ? <p className="control-help">{t('server.fixed')}</p> : <AddressForm server={server} known={(known ?? '').replace(/\/$/, '')} />}
    </section>
  );
}

function AddressForm({ server, known }: { server: ServerAddress; known: string }) {
  const client = useQueryClient();
  const [typed, setTyped] = useState(known);
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const save = async () => {
    if (busy) return;
    const read = readAddress(typed);
    if ('wrong' in read) {
      setWrong(t(`server.wrong.${read.wrong}`));
      return;
    }
    setBusy(true);
    setWrong(null);
    try {
      await server.set(read.origin);
      setTyped(read.origin);
      announce(t('server.saved'));
      client.setQueryData(ADDRESS, { is: read.origin });
      await client.invalidateQueries({ queryKey: REACHED });
    } catch (error) {
      setWrong(t('server.refused', { reason: error instanceof Error ? error.message : String(error) }));
    } finally {
      setBusy(false);
    }
  };

  return (
    <Form className="form server-form" onSubmit={(e) => { e.preventDefault(); void save(); }}>
      <TextInput label={t('server.address')} help={t('server.address.help')} required type="url" value={typed} maxLength={LONGEST_ADDRESS}
        onChange={(v) => { setTyped(v); setWrong(null); }} error={wrong} />
      <div><Button type="submit" kind="primary" isDisabled={busy}>{t(busy ? 'status.saving' : 'act.save')}</Button></div>
    </Form>
  );
}

/** Unset, being asked, joined, or what is wrong and who can mend it. */
function State({ reached, checking }: { reached: Reached | null | undefined; checking: boolean }) {
  if (checking && !reached) return <p className="notice" role="status">{t('server.checking')}</p>;
  if (reached === undefined) return null;
  const state = reached?.state ?? 'unset';
  const values: Record<string, string> = reached?.state === 'other' ? { status: String(reached.status) } : reached?.state === 'unreachable' ? { reason: reached.reason } : {};
  const good = state === 'joined';
  return (
    <div className={good ? 'notice' : 'notice notice-warning'} role="status" data-state={state}>
      <Icon name={good ? 'check' : state === 'unreachable' ? 'offline' : 'error'} small />
      <div>
        <p className="problem-title">{t(`server.${state}.title` satisfies MessageKey)}</p>
        <p dir="auto">{t(`server.${state}.do` satisfies MessageKey, values)}</p>
      </div>
    </div>
  );
}
