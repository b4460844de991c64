import optimizeLocales from '@react-aria/optimize-locales-plugin';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { mockServer } from './dev/mock-plugin.mjs';

/** React's production build names a web page in its error texts. The code of the error is enough to find it. */
function withoutForeignUrls(): Plugin {
  return {
    name: 'without-foreign-urls',
    apply: 'build',
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type === 'chunk') file.code = file.code.replaceAll('https://react.dev/errors/', 'React error ');
      }
    },
  };
}

// One bundle for both homes: a Forge Custom UI resource (any path) and our own origin under /app/.
export default defineConfig({
  base: './',
  plugins: [
    // react-aria's own texts in the languages that src/messages has; a translation adds its own here.
    { ...optimizeLocales.vite({ locales: ['en-US'] }), enforce: 'pre' },
    react(),
    withoutForeignUrls(),
    mockServer(),
  ],
  build: {
    target: 'es2022',
    sourcemap: false,
    // Inlined data: URLs would need a wider content-security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: {
    include: ['src/**/*.test.{ts,tsx}'],
    environment: 'jsdom',
    restoreMocks: true,
  },
});
