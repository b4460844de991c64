// Vite plugin of `npm run dev` and `npx vite preview`: serves the mock API, and our page as Jira would frame it.
//   /app/?ticket=admin            our own origin, as admin (agent, viewer, customer)
//   /frame/customer-panel/?as=agent&issue=HELP-1&theme=dark     as a Forge module, over a bridge
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { answer } from './mock-api.mjs';

/** The product's policy: what the built page needs is seen here, not only in production. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'";

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return text ? JSON.parse(text) : undefined;
}

async function serveApi(request, response, url) {
  const { status, body, headers = {} } = await answer({ method: request.method, url, headers: request.headers, body: await readBody(request), origin: `http://${request.headers.host}` });
  response.writeHead(status, { 'content-type': status >= 400 ? 'application/problem+json' : 'application/json', ...headers });
  response.end(body === null ? undefined : JSON.stringify(body));
}

const withBridge = (html) => html.replace('<head>', '<head><script src="/mock/bridge.js"></script>');

export function mockServer() {
  const root = process.cwd();
  const bridge = () => readFileSync(join(root, 'dev/bridge.js'));
  const isApi = (path) => path.startsWith('/api/') || (path.startsWith('/mock/') && path !== '/mock/bridge.js');
  const sendBridge = (response) => response.writeHead(200, { 'content-type': 'text/javascript' }).end(bridge());
  return {
    name: 'steward-mock-server',
    apply: 'serve',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const url = new URL(request.url, 'http://localhost');
        if (isApi(url.pathname)) return void serveApi(request, response, url);
        if (url.pathname === '/mock/bridge.js') return void sendBridge(response);
        const framed = url.pathname.startsWith('/frame/');
        if (!framed && !/^\/app\/?$/.test(url.pathname)) return next();
        return void server.transformIndexHtml(request.url, readFileSync(join(root, 'index.html'), 'utf8'))
          .then((html) => response.writeHead(200, { 'content-type': 'text/html' }).end(framed ? withBridge(html) : html), next);
      });
    },
    configurePreviewServer(server) {
      server.middlewares.use((request, response, next) => {
        const url = new URL(request.url, 'http://localhost');
        if (isApi(url.pathname)) return void serveApi(request, response, url);
        if (url.pathname === '/mock/bridge.js') return void sendBridge(response);
        const asset = /^\/(?:app|frame\/[\w-]+)\/(.*)$/.exec(url.pathname);
        if (!asset) return next();
        response.setHeader('content-security-policy', POLICY);
        if (asset[1] === '') {
          const html = readFileSync(join(root, 'dist/index.html'), 'utf8');
          return void response.writeHead(200, { 'content-type': 'text/html' }).end(url.pathname.startsWith('/frame/') ? withBridge(html) : html);
        }
        request.url = `/${asset[1]}`;
        return next();
      });
    },
  };
}
