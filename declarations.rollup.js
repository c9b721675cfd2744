import { existsSync, readFileSync } from 'node:fs';
import { dts } from 'rollup-plugin-dts';

const sources = { index: 'src/index.ts', register: 'src/register.ts', target: 'src/target-module.ts' };

/** One file of declarations for the users of an entry: what it exports, without `@internal` members. */
const declarations = ([entry, input]) => ({
  input,
  output: { file: `dist/${entry}.d.ts`, sourcemap: true },
  external: /^(node:|@aiopipe\/)/,
  plugins: [
    dts({ tsconfig: 'tsconfig.json', sourcemap: true, compilerOptions: { stripInternal: true } }),
    { name: 'type-exports', renderChunk: (code) => markTypeExports(code, input) },
  ],
});

export default Object.entries(sources)
  .filter(([, source]) => existsSync(source))
  .map(declarations);

/** The plugin exports each class as a value, also if the source exports its type alone. */
function markTypeExports(code, source) {
  const types = new Set([...readFileSync(source, 'utf8').matchAll(/\btype (\w+)/g)].map(([, name]) => name));
  const mark = (name) => (types.has(name) ? `type ${name}` : name);
  return code.replace(/(?<=^export \{ ).*(?= \})/gm, (names) => names.split(', ').map(mark).join(', '));
}
