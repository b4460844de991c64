// Fails when the build holds a URL of anyone else's origin: nothing that we ship may call out or link to a third party.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const dir = process.argv[2] ?? 'dist';

/** Strings that are names and not addresses: nothing fetches them and nobody can follow them. */
const NAMES = [
  /^http:\/\/www\.w3\.org\/(1998\/Math\/MathML|1999\/xhtml|1999\/xlink|2000\/svg|XML\/1998\/namespace)$/,
];

function* filesIn(path) {
  for (const entry of readdirSync(path)) {
    const full = join(path, entry);
    if (statSync(full).isDirectory()) yield* filesIn(full);
    else if (/\.(html|js|mjs|css|svg|json|txt|map)$/.test(entry)) yield full;
  }
}

const found = [];
let files = 0;
for (const file of filesIn(dir)) {
  files += 1;
  const text = readFileSync(file, 'utf8');
  for (const m of text.matchAll(/(?:\b(?:https?|wss?):)\/\/[^\s"'`\\)<>]+/g)) {
    if (!NAMES.some((n) => n.test(m[0]))) found.push(`${file}: ${m[0]}`);
  }
  for (const m of text.matchAll(/(?:src|href)=["']?\/\/[^\s"'>]+|url\(["']?\/\/[^\s"')]+/g)) found.push(`${file}: ${m[0]}`);
}
if (files === 0) throw new Error(`nothing to check in ${dir}`);
if (found.length > 0) {
  console.error(`foreign URLs in the build:\n${[...new Set(found)].join('\n')}`);
  process.exit(1);
}
console.log(`no foreign URL in ${files} files`);
