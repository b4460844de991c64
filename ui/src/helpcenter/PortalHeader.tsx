/**
 * On top of the portal's pages: which details the support team still needs. It takes no room where nothing is missing, and
 * none while it is loading or cannot be loaded: the portal is about requests.
 */
import { useState } from 'react';
import { useServices } from '../app/services';
import { Button } from '../kit/Button';
import { Icon } from '../kit/Icon';
import { list, t } from '../messages';
import { missing, useShared } from './useShared';

/** Where Jira has the panel in which they are filled. */
const PROFILE = '/servicedesk/customer/user/profile';
const LATER = 'steward.portal.later';
/** More names than this are no sentence any longer. */
const NAMED = 3;

function wasPutOff(): boolean {
  try {
    return sessionStorage.getItem(LATER) !== null;
  } catch {
    return false;
  }
}

function putOff(): void {
  try {
    sessionStorage.setItem(LATER, '1');
  } catch {
    // A frame without storage asks again on the next page.
  }
}

export function PortalHeader() {
  const { transport } = useServices();
  const { shared } = useShared();
  const [later, setLater] = useState(wasPutOff);
  const wanted = shared ? missing(shared) : [];
  if (later || wanted.length === 0) return null;
  const names = wanted.slice(0, NAMED).map((f) => f.name);
  const text = wanted.length > NAMED ? t('help.missing.more', { names: names.join(', '), count: wanted.length - NAMED }) : t('help.missing', { names: list(names) });
  return (
    <main className="help-notice">
      <h1 className="visually-hidden">{t('help.missing.label')}</h1>
      <Icon name="person" small />
      <p dir="auto">{text}</p>
      <div className="help-notice-acts">
        {transport.navigate && <Button small kind="primary" onPress={() => transport.navigate?.(PROFILE)}>{t('help.missing.fill')}</Button>}
        <Button small onPress={() => { putOff(); setLater(true); }}>{t('help.missing.later')}</Button>
      </div>
    </main>
  );
}
