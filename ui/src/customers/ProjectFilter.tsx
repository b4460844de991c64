/** Whose customers are shown: one service project's, or all. It is a condition of the query, and reads back from it. */
import { Button as AriaButton, Label, ListBox, ListBoxItem, Popover, Select, SelectValue } from 'react-aria-components';
import { useProjectChoices } from '../adding/useAdding';
import { Icon } from '../kit/Icon';
import { t } from '../messages';
import { ofProject, projectOf } from './queryText';

const ALL = 'all';

export function ProjectFilter({ query, onRun }: { query: string; onRun: (query: string) => void }) {
  const { choices } = useProjectChoices();
  const asked = projectOf(query);
  // With one project there is nothing to choose; without an answer of Jira's, the query can still be written.
  if (choices.length < 2) return null;
  const known = choices.find((c) => asked !== null && [c.id, c.detail, c.label].some((word) => word.toLowerCase() === asked.toLowerCase()));
  const items = [{ id: ALL, label: t('customers.project.all'), detail: '' }, ...choices.map((c) => ({ ...c, id: c.detail }))];
  return (
    <Select className="project-filter" value={known?.detail ?? ALL} onChange={(key) => { onRun(ofProject(query, key === ALL || key === null ? null : String(key))); }}>
      <Label className="visually-hidden">{t('customers.project')}</Label>
      <AriaButton className="button button-default"><SelectValue>{() => <bdi>{known?.label ?? t('customers.project.all')}</bdi>}</SelectValue><Icon name="chevron" small /></AriaButton>
      <Popover className="popover">
        <ListBox className="list" items={items}>
          {(item) => <ListBoxItem id={item.id} textValue={item.label} className="list-item"><bdi>{item.label}</bdi>{item.detail && <span className="choice-detail">{item.detail}</span>}</ListBoxItem>}
        </ListBox>
      </Popover>
    </Select>
  );
}
