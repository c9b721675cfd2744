import { readFileSync } from 'node:fs';
import { dts } from 'rollup-plugin-dts';

/** One file of declarations for the users of a package: what `index.ts` exports, without `@internal` members. */
export default {
  input: 'src/index.ts',
  output: { file: 'dist/index.d.ts', sourcemap: true },
  external: /^(node:|@aiopipe\/)/,
  plugins: [
    dts({ tsconfig: 'tsconfig.json', sourcemap: true, compilerOptions: { stripInternal: true } }),
    { name: 'type-exports', renderChunk: markTypeExports },
  ],
};

/** The plugin exports each class as a value, also if `index.ts` exports its type alone. */
function markTypeExports(code) {
  const types = new Set([...readFileSync('src/index.ts', 'utf8').matchAll(/\btype (\w+)/g)].map(([, name]) => name));
  const mark = (name) => (types.has(name) ? `type ${name}` : name);
  return code.replace(/(?<=^export \{ ).*(?= \})/gm, (names) => names.split(', ').map(mark).join(', '));
}
