import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type Options } from 'tsup';

type Plugin = NonNullable<Options['esbuildPlugins']>[number];

/** One way to build everything: ESM for the lowest supported Node, with source maps. `declarations.rollup.js` makes the declarations beside it. */
export const build = (entry: Record<string, string>, more: Options = {}) =>
  defineConfig({
    entry,
    format: 'esm',
    target: 'node20',
    platform: 'node',
    sourcemap: true,
    splitting: true,
    clean: true,
    dts: false,
    plugins: [ownNames],
    ...more,
  });

/**
 * Class names are seen: in inspected values and in messages. A class that names itself in its body is written as
 * `var ReadEnd = class _ReadEnd`, and gets its name back here. (`keepNames` would wrap each function, also those that are
 * made anew at each call.) A space takes the place of the `_`, so the source map stays right.
 */
const ownNames: NonNullable<Options['plugins']>[number] = {
  name: 'own-names',
  renderChunk(code) {
    const names = [...code.matchAll(/^var (\w+) = class _\1\b/gm)].map(([, name]) => name);
    if (names.length === 0) return undefined;
    return { code: code.replace(new RegExp(`\\b_(?=(${names.join('|')})\\b)`, 'g'), ' ') };
  },
};

/**
 * The packages: each child process loads them before it can begin, and pays about a millisecond for every file. So each
 * entry is one file, unless `more` says otherwise. Where there is an `internal` one that is not split, it holds all of the package,
 * and `index` only names what of it is public.
 */
export const buildPackage = (entry: Record<string, string>, more: Options = {}) =>
  build(entry, {
    splitting: false,
    ...more,
    removeNodeProtocol: false,
    noExternal: [/^@aiopipe\//],
    esbuildPlugins: [
      builtins(),
      { name: 'layers', setup: throughInternal },
      ...('internal' in entry && more.splitting !== true ? [{ name: 'index', setup: viewOfInternal }] : []),
    ],
  });

/** What another layer has is loaded from its one file, whichever entry the source names. Of core and codec, that is the internal one. */
const throughInternal: Plugin['setup'] = ({ onResolve }) => {
  onResolve({ filter: /^@aiopipe\// }, ({ path }) => ({
    path: path.replace(/^(@aiopipe\/(core|codec))\b.*/, '$1/internal'),
    external: true,
  }));
};

const viewOfInternal: Plugin['setup'] = ({ onResolve, onLoad }) => {
  // The path stays relative: it is shown in what is built.
  onResolve({ filter: /src\/index\.ts$/ }, ({ kind, path, resolveDir }) =>
    kind === 'entry-point' ? { path, namespace: 'index', pluginData: join(resolveDir, path) } : undefined,
  );
  onLoad({ filter: /.*/, namespace: 'index' }, ({ pluginData }) => ({
    contents: readFileSync(pluginData as string, 'utf8'),
    loader: 'ts',
  }));
  onResolve({ filter: /.*/, namespace: 'index' }, () => ({ path: './internal.js', external: true }));
};

/**
 * Node's own modules are taken without `import`, which makes a module around each that has all of its names: making that
 * one of node:util alone loads three more modules. A child's start takes 4 ms less.
 */
function builtins(): Plugin {
  return {
    name: 'builtins',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'builtin', sideEffects: false }));
      onLoad({ filter: /.*/, namespace: 'builtin' }, async ({ path }) => {
        const names = Object.keys((await import(path)) as object).filter((name) => name !== 'default');
        const contents = names.map(
          (name) => `export const ${name} = /* @__PURE__ */ (() => process.getBuiltinModule('${path}').${name})();`,
        );
        return { contents: contents.join('\n') };
      });
    },
  };
}
