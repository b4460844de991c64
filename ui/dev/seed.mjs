// Data of the development server: enough of everything to see each page full, odd and empty.
const at = (daysAgo) => new Date(Date.UTC(2026, 10, 20, 9, 30) - daysAgo * 86_400_000).toISOString();

export const people = {
  agent: { accountId: 'a-1', displayName: 'Maja Lindqvist', role: 'agent', permissions: ['browse', 'edit'], timeZone: 'Europe/Stockholm', locale: 'en-GB' },
  admin: { accountId: 'a-2', displayName: 'Jonas Weber', role: 'admin', permissions: ['browse', 'edit', 'configure'], timeZone: 'Europe/Berlin', locale: 'en-US' },
  viewer: { accountId: 'a-3', displayName: 'Sofia Rossi', role: 'agent', permissions: ['browse'], timeZone: 'Europe/Rome', locale: 'it-IT' },
  customer: { accountId: 'c-1', displayName: 'Amélie Fournier', role: 'customer', permissions: [], timeZone: 'Europe/Paris', locale: 'fr-FR' },
};

const names = ['Amélie Fournier', '佐藤 健', 'Oluwaseun Adeyemi', 'مريم الحسيني', 'Dmytro Kovalenko', 'Priya Raghunathan', 'Lars Ødegård', 'Ana Sofía Gutiérrez', 'נועה לוי', 'Nguyễn Thị Minh', 'Szymon Wiśniewski', 'Grace O’Connell'];
const zones = ['Europe/Paris', 'Asia/Tokyo', 'Africa/Lagos', 'Asia/Dubai', 'Europe/Kyiv', 'Asia/Kolkata', 'Europe/Oslo', 'America/Mexico_City', 'Asia/Jerusalem', 'Asia/Ho_Chi_Minh', 'Europe/Warsaw', 'Europe/Dublin'];
const organizationNames = ['Hafen & Söhne Logistik', 'Northwind Ærø', 'Baobab Energy', 'شركة الأفق', 'Kestrel Aerospace Components and Maintenance Services GmbH & Co. KG'];

export function seed(scenario) {
  const organizations = organizationNames.map((name, i) => ({ id: `o-${i + 1}`, name }));
  const customers = Array.from({ length: 1200 }, (_, i) => ({
    accountId: `c-${i + 1}`,
    displayName: i < names.length ? names[i] : `${names[i % names.length]} ${Math.floor(i / names.length)}`,
    emailAddress: i % 7 === 4 ? null : `person${i + 1}@example.com`,
    active: i % 29 !== 6,
    timeZone: zones[i % zones.length],
    organizations: i % 5 === 3 ? [] : i === 0 ? [organizations[0], organizations[4]] : [organizations[i % organizations.length]],
  }));
  const empty = { customers, organizations, sections: [], fields: [], values: {}, history: [], permissions: { browse: [{ kind: 'agents' }], edit: [{ kind: 'agents' }], configure: [{ kind: 'jiraAdmins' }], version: 1 } };
  if (scenario === 'empty') return empty;

  const section = (id, entity, name, position) => ({ id, entity, name, position, version: 1 });
  const sections = [section('s-1', 'customer', 'Contract', 0), section('s-2', 'customer', 'How to reach them', 1), section('s-3', 'organization', 'Account', 0)];
  let position = 0;
  const field = (id, entity, type, name, more = {}) => ({
    id, entity, type, name, help: null, sectionId: null, position: position++, required: false, default: null, options: [], audience: 'agents', projects: [], retired: false, version: 1, ...more,
  });
  const options = (...labels) => labels.map((label, i) => ({ id: `${label.toLowerCase().replace(/\W+/g, '-')}-${i}`, label: label.replace('!', ''), retired: label.endsWith('!') }));
  const fields = [
    field('f-vip', 'customer', 'boolean', 'VIP', { help: 'Answered first, also at night.' }),
    field('f-plan', 'customer', 'select', 'Plan', { sectionId: 's-1', required: true, options: options('Starter', 'Business', 'Enterprise', 'Legacy!'), audience: 'customerView' }),
    field('f-seats', 'customer', 'number', 'Seats', { sectionId: 's-1', help: 'As in the contract.' }),
    field('f-renew', 'customer', 'date', 'Renewal', { sectionId: 's-1', audience: 'customerView' }),
    field('f-products', 'customer', 'multiSelect', 'Products', { sectionId: 's-1', options: options('Freight API', 'Track & Trace', 'Customs', 'Warehouse', 'Reports', 'Old Portal!'), projects: ['p-1'] }),
    field('f-manager', 'customer', 'user', 'Account manager', { sectionId: 's-1' }),
    field('f-call', 'customer', 'dateTime', 'Next call', { sectionId: 's-2' }),
    field('f-phone', 'customer', 'phone', 'Direct line', { sectionId: 's-2', audience: 'customerEdit' }),
    field('f-mail', 'customer', 'email', 'Billing address', { sectionId: 's-2', audience: 'customerEdit', help: 'Invoices go there.' }),
    field('f-site', 'customer', 'url', 'Web page', { sectionId: 's-2' }),
    field('f-nick', 'customer', 'text', 'Preferred form of address', { sectionId: 's-2', audience: 'customerEdit', help: 'How should we address you?' }),
    field('f-note', 'customer', 'longText', 'Notes', { help: 'Only for the team.' }),
    field('f-tier', 'organization', 'select', 'Tier', { sectionId: 's-3', options: options('Gold', 'Silver', 'Bronze'), default: 'bronze-2', audience: 'customerView' }),
    field('f-sla', 'organization', 'text', 'Service level', { sectionId: 's-3', audience: 'customerView' }),
    field('f-domain', 'organization', 'url', 'Domain', { sectionId: 's-3' }),
    field('f-old', 'customer', 'text', 'Fax', { retired: true }),
  ];
  const value = (fieldId, v, version = 1, days = 12) => ({ fieldId, value: v, version, updatedAt: at(days), updatedBy: { accountId: 'a-2', displayName: 'Jonas Weber' } });
  const values = {
    'customer:c-1': [
      value('f-vip', true), value('f-plan', 'legacy--3', 3), value('f-seats', 1250.5), value('f-renew', '2027-01-31'), value('f-products', ['freight-api-0', 'customs-2', 'old-portal--5']),
      value('f-manager', 'a-2'), value('f-call', '2026-11-24T15:30:00Z'), value('f-phone', '+33 1 70 18 99 00'), value('f-site', 'https://example.com/amelie'),
      value('f-note', 'Prefers short answers.\nAsks for the French invoice each January: see the ticket of last year.\nمرحبا means hello.'),
    ],
    'customer:c-2': [value('f-plan', 'business-1')],
    'organization:o-1': [value('f-tier', 'gold-0'), value('f-sla', '24/7, answer within 30 minutes')],
  };
  const entry = (id, fieldId, fieldName, from, to, days, by, action = 'set') => ({ subject: 'customer:c-1', id, fieldId, fieldName, from, to, at: at(days), by, action });
  const jonas = { accountId: 'a-2', displayName: 'Jonas Weber' };
  const maja = { accountId: 'a-1', displayName: 'Maja Lindqvist' };
  const history = [
    entry('h-5', 'f-plan', 'Plan', 'business-1', 'legacy--3', 2, jonas),
    entry('h-4', 'f-mail', 'Billing address', 'ap@example.com', null, 5, maja, 'cleared'),
    entry('h-3', 'f-plan', 'Plan', 'starter-0', 'business-1', 30, maja),
    entry('h-2', 'f-seats', 'Seats', 900, 1250.5, 44, jonas),
    entry('h-1', 'f-plan', 'Plan', null, 'starter-0', 90, jonas),
  ];
  return { ...empty, sections, fields, values, history };
}
