/** Asks for something on a customer's behalf. */
import { useState } from 'react';
import type { Customer } from '../api/types';
import { Button } from '../kit/Button';
import { t } from '../messages';
import { RequestDialog } from './RequestDialog';

export function RequestButton({ customer }: { customer: Customer }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button icon="add" onPress={() => setOpen(true)}>{t('adding.request')}</Button>
      {open && <RequestDialog customer={customer} onClose={() => setOpen(false)} />}
    </>
  );
}
