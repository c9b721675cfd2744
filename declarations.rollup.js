import { existsSync, readFileSync } from 'node:fs';
import { dts } from 'rollup-plugin-dts';

/** One file of declarations for the users of an entry: what it exports, without `@internal` members. */
const declarations = (entry) => ({
  input: `src/${entry}.ts`,
  output: { file: `dist/${entry}.d.ts`, sourcemap: true },
  external: /^(node:|@aiopipe\/)/,
  plugins: [
    dts({ tsconfig: 'tsconfig.json', sourcemap: true, compilerOptions: { stripInternal: true } }),
    { name: 'type-exports', renderChunk: markTypeExports },
  ],
});

export default ['index', 'register'].filter((entry) => existsSync(`src/${entry}.ts`)).map(declarations);

/** The plugin exports each class as a value, also if `index.ts` exports its type alone. */
function markTypeExports(code) {
  const types = new Set([...readFileSync('src/index.ts', 'utf8').matchAll(/\btype (\w+)/g)].map(([, name]) => name));
  const mark = (name) => (types.has(name) ? `type ${name}` : name);
  return code.replace(/(?<=^export \{ ).*(?= \})/gm, (names) => names.split(', ').map(mark).join(', '));
}
