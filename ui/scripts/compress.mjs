// Puts a .gz and a .br beside each asset, so that the server sends them without compressing at run time.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const dir = process.argv[2] ?? 'dist';
/** Below this size the headers cost more than compression saves. */
const SMALLEST_BYTES = 512;

function compress(path) {
  for (const entry of readdirSync(path)) {
    const full = join(path, entry);
    if (statSync(full).isDirectory()) compress(full);
    else if (/\.(html|js|css|svg|json|txt)$/.test(entry)) {
      const bytes = readFileSync(full);
      if (bytes.length < SMALLEST_BYTES) continue;
      const gz = gzipSync(bytes, { level: 9 });
      const br = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } });
      writeFileSync(`${full}.gz`, gz);
      writeFileSync(`${full}.br`, br);
      console.log(`${full}  ${bytes.length}  gzip ${gz.length}  brotli ${br.length}`);
    }
  }
}
compress(dir);
