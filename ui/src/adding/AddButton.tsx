/** Makes one more of a list, for whoever may. */
import { useState } from 'react';
import type { Entity } from '../api/types';
import { useMay } from '../app/services';
import { Button } from '../kit/Button';
import { t } from '../messages';
import { AddCustomerDialog } from './AddCustomerDialog';
import { AddOrganizationDialog } from './AddOrganizationDialog';

export function AddButton({ entity }: { entity: Entity }) {
  const mayEdit = useMay('edit');
  const [open, setOpen] = useState(false);
  if (!mayEdit) return null;
  const Adding = entity === 'customer' ? AddCustomerDialog : AddOrganizationDialog;
  return (
    <>
      <Button kind="primary" icon="add" onPress={() => setOpen(true)}>{t(`adding.${entity}`)}</Button>
      {open && <Adding onClose={() => setOpen(false)} />}
    </>
  );
}
