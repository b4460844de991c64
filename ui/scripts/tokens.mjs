// Writes generated/tokens.css: the Atlassian design tokens that our style sheets use, as plain custom properties.
// A name that the tokens do not have stops the build: a typing mistake would otherwise only show as a missing colour.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const themes = join(dirname(require.resolve('@atlaskit/tokens/package.json')), 'dist/cjs/artifacts/themes');

/** name -> value of one theme's file, for example atlassian-dark */
function themeTokens(name) {
  const css = require(join(themes, `${name}.js`)).default;
  return new Map([...css.matchAll(/(--ds-[a-z0-9-]+):\s*([^;]+);/g)].map((m) => [m[1], m[2].trim()]));
}

const light = themeTokens('atlassian-light');
const dark = themeTokens('atlassian-dark');
const shared = new Map(['atlassian-spacing', 'atlassian-typography', 'atlassian-shape', 'atlassian-motion'].flatMap((n) => [...themeTokens(n)]));

const styles = join(root, 'src/styles');
const wanted = new Set();
for (const file of readdirSync(styles).filter((f) => f.endsWith('.css'))) {
  for (const m of readFileSync(join(styles, file), 'utf8').matchAll(/var\((--ds-[a-z0-9-]+)/g)) wanted.add(m[1]);
}
const value = (name) => light.get(name) ?? dark.get(name) ?? shared.get(name);
for (const name of wanted) {
  if (value(name) === undefined) throw new Error(`no design token ${name}`);
  // A token may be built on others (the motion tokens are).
  for (const m of value(name).matchAll(/var\((--ds-[a-z0-9-]+)/g)) wanted.add(m[1]);
}

const rules = (tokens) => [...wanted].sort().filter((n) => tokens.has(n)).map((n) => `  ${n}: ${tokens.get(n)};`).join('\n');
const css = `/* Made by scripts/tokens.mjs from @atlaskit/tokens. */
:root {
  color-scheme: light;
${rules(shared)}
${rules(light)}
}
@media (prefers-color-scheme: dark) {
:root:not([data-color-mode="light"]) {
  color-scheme: dark;
${rules(dark)}
}
}
:root[data-color-mode="dark"] {
  color-scheme: dark;
${rules(dark)}
}
`;
mkdirSync(join(root, 'generated'), { recursive: true });
writeFileSync(join(root, 'generated/tokens.css'), css);
console.log(`tokens: ${wanted.size} names, ${css.length} bytes`);
