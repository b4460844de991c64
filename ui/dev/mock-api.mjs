// The HTTP API as the UI knows it, in memory, for `npm run dev` only. It is no part of the product and of no test of it.
import { people, seed } from './seed.mjs';

let db = seed('full');
let failures = [];
let counter = 1000;
const id = (prefix) => `${prefix}-${++counter}`;

class Refusal extends Error {
  constructor(status, code, title, more = {}) {
    super(title);
    this.answer = { status, body: { type: 'about:blank', title, status, code, requestId: `req-${++counter}`, ...more } };
  }
}
const notFound = () => new Refusal(404, 'not_found', 'Not found');
const invalid = (pointer, detail) => new Refusal(422, 'invalid', 'Not valid', { detail, errors: [{ pointer: pointer.replace('#', ''), code: 'invalid', detail }] });
const reply = (body, status = 200, headers = {}) => ({ status, body, headers });
const page = (items, query) => {
  const limit = Math.min(Number(query.get('limit') ?? 50), 100);
  const from = Number(query.get('cursor') ?? 0);
  return reply({ items: items.slice(from, from + limit), nextCursor: from + limit < items.length ? String(from + limit) : null });
};
const versioned = (record) => reply(record, 200, { etag: `"v${record.version}"` });
const matching = (headers, version) => {
  if (!headers['if-match']) throw new Refusal(428, 'precondition_required', 'If-Match is missing');
  if (headers['if-match'] !== `"v${version}"`) throw new Refusal(412, 'conflict', 'Changed meanwhile');
};
const find = (list, key, wanted) => {
  const found = list.find((x) => x[key] === wanted);
  if (!found) throw notFound();
  return found;
};
const counts = (n) => ({ open: n % 5, closed: (n * 7) % 40, openUrl: `/issues?jql=open${n}`, closedUrl: `/issues?jql=closed${n}` });
const numberOf = (key) => Number(key.split('-')[1]);
const valueSet = (subject) => ({ version: 1, values: db.values[subject] ?? [] });

function write(subject, fieldId, value, who, headers, action) {
  const field = find(db.fields, 'id', fieldId);
  const list = (db.values[subject] ??= []);
  const held = list.find((v) => v.fieldId === fieldId);
  const version = held?.version ?? 0;
  if (headers && headers['if-match'] !== `"v${version}"`) throw new Refusal(412, 'conflict', 'Changed meanwhile', { current: held });
  if (field.required && value === null) throw invalid('#/value', 'This field is required.');
  if (typeof value === 'string' && value.includes('refuse')) throw invalid('#/value', 'The server does not like this text.');
  const now = { fieldId, value, version: version + 1, updatedAt: new Date().toISOString(), updatedBy: { accountId: who.accountId, displayName: who.displayName } };
  db.values[subject] = [...list.filter((v) => v.fieldId !== fieldId), now];
  db.history.unshift({ subject, id: id('h'), fieldId, fieldName: field.name, from: held?.value ?? null, to: value, at: now.updatedAt, by: now.updatedBy, action: action ?? (value === null ? 'cleared' : 'set') });
  return reply(now, 200, { etag: `"v${now.version}"` });
}

const organization = (o) => ({ ...o, memberCount: db.customers.filter((c) => c.organizations.some((x) => x.id === o.id)).length });

/** [method, path pattern, handler(parts, {query, headers, body, who})] */
const routes = [
  ['GET', /^\/me$/, (_, { who }) => reply({ ...who, siteUrl: 'http://localhost' })],
  ['POST', /^\/session\/tickets$/, () => reply({ url: `${db.origin}/app/?ticket=admin#/customers` })],
  ['GET', /^\/me\/organizations$/, (_, { who }) => {
    const fields = db.fields.filter((f) => f.entity === 'organization' && !f.retired && f.audience !== 'agents');
    const shared = (o) => (db.values[`organization:${o.id}`] ?? []).filter((v) => v.value !== null && fields.some((f) => f.id === v.fieldId));
    const label = ({ fieldId, value }) => find(db.fields, 'id', fieldId).options.find((o) => o.id === value)?.label ?? people[value]?.displayName ?? String(value);
    const own = db.customers.find((c) => c.accountId === who.accountId)?.organizations ?? [];
    const items = own.map((o) => ({ ...o, values: shared(o).map((v) => ({ fieldId: v.fieldId, value: v.value, text: label(v), updatedAt: v.updatedAt })) }));
    return reply({ items, nextCursor: null, fields, sections: db.sections.filter((s) => fields.some((f) => f.sectionId === s.id)) });
  }],
  ['GET', /^\/projects$/, (_, { query }) => page([{ id: 'p-1', key: 'HELP', name: 'Help desk' }, { id: 'p-2', key: 'FRT', name: 'Freight desk' }], query)],
  ['GET', /^\/users$/, (_, { query }) => page(Object.values(people).filter((p) => p.accountId === query.get('query') || (query.get('exact') === 'true' ? p.displayName.toLowerCase() === query.get('query')?.toLowerCase() : p.displayName.toLowerCase().includes((query.get('query') ?? '').toLowerCase()))).map(({ accountId, displayName }) => ({ accountId, displayName })), query)],
  ['GET', /^\/settings\/permissions$/, () => versioned(db.permissions)],
  ['PUT', /^\/settings\/permissions$/, (_, { headers, body }) => {
    matching(headers, db.permissions.version);
    db.permissions = { ...body, version: db.permissions.version + 1 };
    return versioned(db.permissions);
  }],
  ['GET', /^\/settings\/holders$/, (_, { query }) => page(['jira-administrators', 'service-desk-team', 'freight-leads', 'night-shift'].map((n) => ({ kind: 'group', id: n, name: n })).concat([{ kind: 'projectRole', id: '10002', name: 'Service Desk Team' }]).filter((h) => h.name.toLowerCase().includes((query.get('search') ?? '').toLowerCase())), query)],
  ['GET', /^\/sections$/, (_, { query }) => page(db.sections.filter((s) => s.entity === query.get('entity')), query)],
  ['POST', /^\/sections$/, (_, { body }) => {
    const s = { id: id('s'), ...body, position: db.sections.length, version: 1 };
    db.sections.push(s);
    return reply(s, 201);
  }],
  ['PUT', /^\/sections\/([^/]+)$/, ([key], { headers, body }) => {
    const s = find(db.sections, 'id', key);
    matching(headers, s.version);
    const others = db.sections.filter((x) => x.entity === s.entity && x !== s).sort((a, b) => a.position - b.position);
    others.splice(body.position, 0, s);
    Object.assign(s, { name: body.name, version: s.version + 1 });
    others.forEach((x, i) => { x.position = i; });
    return versioned(s);
  }],
  ['DELETE', /^\/sections\/([^/]+)$/, ([key], { headers }) => {
    matching(headers, find(db.sections, 'id', key).version);
    db.sections = db.sections.filter((s) => s.id !== key);
    for (const f of db.fields) if (f.sectionId === key) f.sectionId = null;
    return reply(null, 204);
  }],
  ['GET', /^\/fields$/, (_, { query, who }) => page(db.fields.filter((f) => f.entity === query.get('entity') && f.retired === (query.get('retired') === 'true') && (who.role !== 'customer' || f.audience !== 'agents')).sort((a, b) => a.position - b.position), query)],
  ['POST', /^\/fields\/order$/, (_, { body }) => {
    body.ids.forEach((key, i) => { find(db.fields, 'id', key).position = i; });
    return reply(null, 204);
  }],
  ['POST', /^\/fields$/, (_, { body }) => {
    if (db.fields.some((f) => f.name === body.name && f.entity === body.entity)) throw invalid('#/name', 'Another field has this name.');
    const f = { ...body, id: id('f'), position: db.fields.length, retired: false, version: 1, options: body.options.map((o) => ({ id: id('opt'), label: o.label, retired: false })) };
    db.fields.push(f);
    return reply(f, 201);
  }],
  ['GET', /^\/fields\/([^/]+)$/, ([key]) => versioned(find(db.fields, 'id', key))],
  ['PUT', /^\/fields\/([^/]+)$/, ([key], { headers, body }) => {
    const f = find(db.fields, 'id', key);
    matching(headers, f.version);
    Object.assign(f, body, { options: body.options.map((o) => ({ id: o.id ?? id('opt'), label: o.label, retired: o.retired ?? false })), version: f.version + 1 });
    return versioned(f);
  }],
  ['DELETE', /^\/fields\/([^/]+)$/, ([key], { headers }) => {
    const f = find(db.fields, 'id', key);
    matching(headers, f.version);
    Object.assign(f, { retired: true, version: f.version + 1 });
    return reply(null, 204);
  }],
  ['POST', /^\/fields\/([^/]+)\/restore$/, ([key], { headers }) => {
    const f = find(db.fields, 'id', key);
    matching(headers, f.version);
    Object.assign(f, { retired: false, version: f.version + 1 });
    return versioned(f);
  }],
  ['POST', /^\/queries\/check$/, (_, { body }) => reply({ normal: body.query, mistakes: [] })],
  ['GET', /^\/queries\/completions$/, (_, { query }) => reply({ offset: Number(query.get('cursor')), length: 0, items: [] })],
  ['GET', /^\/customers$/, (_, { query }) => page(db.customers.filter((c) => `${c.displayName} ${c.emailAddress}`.toLowerCase().includes((query.get('search') ?? '').toLowerCase())), query)],
  ['GET', /^\/customers\/([^/]+)$/, ([key]) => reply({ ...find(db.customers, 'accountId', key), counts: counts(numberOf(key)) })],
  ['GET', /^\/organizations$/, (_, { query }) => page(db.organizations.filter((o) => o.name.toLowerCase().includes((query.get('search') ?? '').toLowerCase())).map(organization), query)],
  ['GET', /^\/organizations\/([^/]+)$/, ([key]) => reply({ ...organization(find(db.organizations, 'id', key)), counts: counts(9), members: db.customers.filter((c) => c.organizations.some((o) => o.id === key)).slice(0, 12) })],
  ['GET', /^\/(customer|organization)s\/([^/]+)\/values$/, ([entity, key]) => versioned(valueSet(`${entity}:${key}`))],
  ['PUT', /^\/(customer|organization)s\/([^/]+)\/values\/([^/]+)$/, ([entity, key, fieldId], { headers, body, who }) => write(`${entity}:${key}`, fieldId, body.value, who, headers)],
  ['GET', /^\/(customer|organization)s\/([^/]+)\/history$/, ([entity, key], { query }) => page(db.history.filter((h) => h.subject === `${entity}:${key}` && (!query.get('fieldId') || h.fieldId === query.get('fieldId'))), query)],
  ['POST', /^\/(customer|organization)s\/([^/]+)\/history\/([^/]+)\/restore$/, ([entity, key, entryId], { headers, who }) => {
    const e = find(db.history, 'id', entryId);
    return write(`${entity}:${key}`, e.fieldId, e.to, who, headers, 'restored');
  }],
  ['POST', /^\/(customer|organization)s\/values:read$/, ([entity], { body }) => reply({
    items: body.ids.map((key) => {
      const { values } = valueSet(`${entity}:${key}`);
      return { id: key, version: Math.max(0, ...values.map((v) => v.version)), values: values.filter((v) => body.fields.includes(v.fieldId)) };
    }),
  })],
  ['POST', /^\/(customer|organization)s\/values:bulk$/, ([entity], { body, who }) => reply({
    items: body.items.map((item) => {
      const key = item.accountId ?? item.organizationId;
      for (const [fieldId, value] of Object.entries(item.values)) write(`${entity}:${key}`, fieldId, value, who, null);
      return { id: key, status: 200, version: Math.max(0, ...valueSet(`${entity}:${key}`).values.map((v) => v.version)) };
    }),
  })],
  ['GET', /^\/search$/, (_, { query }) => reply({
    items: db.customers.filter((c) => c.displayName.toLowerCase().includes(query.get('q').toLowerCase())).slice(0, 20).map((c) => ({ entity: 'customer', id: c.accountId, name: c.displayName, email: c.emailAddress, field: null })),
    ready: true,
  })],
  ['GET', /^\/views$/, (_, { query }) => page((db.views ??= []).filter((v) => v.entity === query.get('entity')), query)],
  ['POST', /^\/views$/, (_, { body }) => {
    const v = { id: id('v'), query: '', columns: [], shared: false, ...body, mine: true, mayChange: true, isDefault: false, gone: [], version: 1 };
    (db.views ??= []).push(v);
    return reply(v, 201);
  }],
  ['PUT', /^\/views\/([^/]+)$/, ([key], { headers, body }) => {
    const v = find(db.views ?? [], 'id', key);
    matching(headers, v.version);
    Object.assign(v, body, { version: v.version + 1 });
    return versioned(v);
  }],
  ['DELETE', /^\/views\/([^/]+)$/, ([key], { headers }) => {
    const v = find(db.views ?? [], 'id', key);
    matching(headers, v.version);
    (db.deletedViews ??= []).push(v);
    db.views = db.views.filter((x) => x !== v);
    return reply(null, 204);
  }],
  ['POST', /^\/views\/([^/]+)\/restore$/, ([key]) => {
    const v = find(db.deletedViews ?? [], 'id', key);
    db.views.push(v);
    return versioned(v);
  }],
  ['GET', /^\/panel$/, (_, { query, who }) => {
    const ids = query.get('issue') === 'NOBODY-1' ? [] : ['c-1', 'c-2', 'c-4'];
    const chosen = query.get('person') ?? ids[0];
    const c = chosen && find(db.customers, 'accountId', chosen);
    return reply({
      issue: { id: '10001', key: query.get('issue'), projectId: 'p-1' },
      people: ids.map((key, i) => ({ accountId: key, displayName: find(db.customers, 'accountId', key).displayName, roles: [i === 0 ? 'reporter' : 'participant'] })),
      morePeople: 0, sections: db.sections, fields: db.fields.filter((f) => !f.retired), permissions: who.permissions,
      selected: c ? {
        customer: c, counts: counts(numberOf(c.accountId) + 2), localTimeZone: c.timeZone, locale: ['fr-FR', 'ja-JP', 'ar-AE'][ids.indexOf(c.accountId)], values: valueSet(`customer:${c.accountId}`),
        organizations: c.organizations.map((o) => ({ ...o, counts: counts(8), values: valueSet(`organization:${o.id}`) })),
        moreOrganizations: 0,
      } : null,
    });
  }],
];

/** Control of the mock itself: start again, write as somebody else, fail. */
const controls = {
  '/mock/reset': ({ scenario }) => { db = seed(scenario ?? 'full'); failures = []; },
  '/mock/write': ({ subject, fieldId, value }) => { write(subject, fieldId, value, people.admin); },
  '/mock/fail': (rule) => { failures.push(rule); },
  '/mock/mend': () => { failures = []; },
};

export async function answer({ method, url, headers, body, origin }) {
  db.origin = origin;
  if (method === 'POST' && controls[url.pathname]) {
    controls[url.pathname](body ?? {});
    return reply({ done: true });
  }
  const path = url.pathname.replace('/api/v1', '');
  const failure = failures.find((f) => new RegExp(f.path).test(path) && (!f.method || f.method === method));
  if (failure?.hang) return new Promise(() => undefined);
  if (failure) return new Refusal(failure.status, failure.code, failure.title ?? 'Failed on purpose', { detail: failure.detail }).answer;
  if (method === 'GET' && path === '/session') return /steward=/.test(headers.cookie ?? '') ? reply({ csrf: 'mock-csrf' }) : new Refusal(401, 'session_none', 'No session').answer;
  if (method === 'POST' && path === '/session') return reply({ csrf: 'mock-csrf' }, 200, { 'set-cookie': `steward=${body?.ticket ?? 'agent'}; Path=/; HttpOnly; SameSite=Strict` });
  const as = headers['x-mock-user'] ?? /steward=(\w+)/.exec(headers.cookie ?? '')?.[1];
  const who = people[as];
  try {
    if (!who) throw new Refusal(401, 'unauthenticated', 'Not signed in');
    for (const [m, pattern, handle] of routes) {
      const match = pattern.exec(path);
      if (m === method && match) return handle(match.slice(1).map(decodeURIComponent), { query: url.searchParams, headers, body, who });
    }
    throw notFound();
  } catch (error) {
    if (error instanceof Refusal) return error.answer;
    throw error;
  }
}
