// Stands for the bridge that Jira puts into a Custom UI frame; development only.
(() => {
  const query = new URLSearchParams(location.search);
  const moduleKey = location.pathname.split('/')[2];
  const as = query.get('as') ?? (moduleKey === 'portal-profile' ? 'customer' : moduleKey === 'settings-page' ? 'admin' : 'agent');
  // `?server=none` has no address yet, `?server=down` one where nobody answers; without it the server is there.
  let server = query.get('server') === 'none' ? null : location.origin;
  let down = query.has('server');
  const commands = {
    getContext: async () => ({
      accountId: 'a-1', cloudId: 'cloud', moduleKey, localId: 'local', siteUrl: location.origin, locale: query.get('locale') ?? 'en_US', timezone: 'Europe/Stockholm',
      theme: query.get('theme') ? { colorMode: query.get('theme') } : null,
      extension: moduleKey === 'customer-panel' ? { type: 'jira:issueContext', issue: { id: '10001', key: query.get('issue') ?? 'HELP-1' }, project: { id: 'p-1', key: 'HELP' } } : {},
    }),
    enableTheming: async () => undefined,
    navigate: async ({ url }) => void window.open(url, '_blank'),
    __permission__remoteGet: async () => ({ results: [{ key: 'backend', configured: { endpoint: server } }] }),
    __permission__remoteSet: async ({ remotes: [remote] }) => {
      if (!window.confirm(`Send data to ${remote.configured.endpoint}?`)) throw new Error('The administrator did not agree to this change');
      server = remote.configured.endpoint;
      down = server !== location.origin;
    },
    invoke: async ({ path, method, headers, body }) => {
      if (down) throw new Error(server ? 'Remote invocation timed out after 25 seconds' : 'Remote backend has not been configured by an administrator');
      const answer = await fetch(path, { method, headers: { ...headers, 'x-mock-user': as }, body: body === undefined ? undefined : JSON.stringify(body) });
      const text = await answer.text();
      return { success: true, payload: { status: answer.status, headers: Object.fromEntries([...answer.headers].map(([n, v]) => [n, [v]])), body: text ? JSON.parse(text) : undefined } };
    },
  };
  window.__bridge = { callBridge: (command, data) => commands[command]?.(data) ?? Promise.reject(new Error(`no command ${command}`)) };
})();
