import hooks from 'eslint-plugin-react-hooks';
import ts from 'typescript-eslint';

export default ts.config(
  { ignores: ['dist', 'generated', 'node_modules', 'src/api/schema.d.ts'] },
  ...ts.configs.strict,
  { files: ['src/**/*.{ts,tsx}'], ...hooks.configs.flat.recommended },
  // An effect's answer is called when it ends, and what a browser's function answers changes with browsers.
  { files: ['src/**/*.{ts,tsx}'], rules: { 'no-restricted-syntax': ['error', { selector: 'CallExpression[callee.name=/^use(Layout|Insertion)?Effect$/] > ArrowFunctionExpression[body.type!="BlockStatement"]', message: 'Braces: an effect returns nothing, or what ends it.' }] } },
  // Warns of what the React compiler would skip; it is not used here.
  { files: ['src/**/*.{ts,tsx}'], rules: { 'react-hooks/incompatible-library': 'off' } },
);
