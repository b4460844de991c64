import { useState } from 'react';
import { Dialog, DialogTrigger, Heading, Popover } from 'react-aria-components';
import { useFields } from '../api/queries';
import type { Entity, Field } from '../api/types';
import { Button, IconButton } from '../kit/Button';
import { t, type MessageKey } from '../messages';
import { examples } from './queryText';

const RULES: MessageKey[] = ['query.help.compare', 'query.help.text', 'query.help.dates', 'query.help.history', 'query.help.join', 'query.help.not'];

/** How a query is written, with examples from this site's own fields that run when they are pressed. */
export function QueryHelp({ entity, fields, onRun }: { entity: Entity; fields: Field[]; onRun: (query: string) => void }) {
  const [open, setOpen] = useState(false);
  const ofOrganizations = useFields('organization', false, open && entity === 'customer').data ?? [];
  return (
    <DialogTrigger isOpen={open} onOpenChange={setOpen}>
      <IconButton icon="info" kind="default" label={t('query.help')} tooltip={false} />
      <Popover className="popover" placement="bottom end">
        <Dialog className="query-help">
          <Heading slot="title" className="window-title">{t('query.help')}</Heading>
          <p>{t('query.help.examples')}</p>
          <ul className="query-examples">
            {examples(entity, fields, ofOrganizations).map((query) => (
              <li key={query}><Button kind="link" small onPress={() => { setOpen(false); onRun(query); }}><code dir="ltr">{query}</code></Button></li>
            ))}
          </ul>
          <ul className="query-rules">
            {RULES.map((key) => <li key={key}>{t(key)}</li>)}
          </ul>
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
