// Stands for the bridge that Jira puts into a Custom UI frame; development only.
(() => {
  const query = new URLSearchParams(location.search);
  const moduleKey = location.pathname.split('/')[2];
  const as = query.get('as') ?? (moduleKey === 'portal-profile' ? 'customer' : moduleKey === 'settings-page' ? 'admin' : 'agent');
  const commands = {
    getContext: async () => ({
      accountId: 'a-1', cloudId: 'cloud', moduleKey, localId: 'local', siteUrl: location.origin, locale: query.get('locale') ?? 'en_US', timezone: 'Europe/Stockholm',
      theme: query.get('theme') ? { colorMode: query.get('theme') } : null,
      extension: moduleKey === 'customer-panel' ? { type: 'jira:issueContext', issue: { id: '10001', key: query.get('issue') ?? 'HELP-1' }, project: { id: 'p-1', key: 'HELP' } } : {},
    }),
    enableTheming: async () => undefined,
    navigate: async ({ url }) => void window.open(url, '_blank'),
    invoke: async ({ path, method, headers, body }) => {
      const answer = await fetch(path, { method, headers: { ...headers, 'x-mock-user': as }, body: body === undefined ? undefined : JSON.stringify(body) });
      const text = await answer.text();
      return { success: true, payload: { status: answer.status, headers: Object.fromEntries([...answer.headers].map(([n, v]) => [n, [v]])), body: text ? JSON.parse(text) : undefined } };
    },
  };
  window.__bridge = { callBridge: (command, data) => commands[command]?.(data) ?? Promise.reject(new Error(`no command ${command}`)) };
})();
