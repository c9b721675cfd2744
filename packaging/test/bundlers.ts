// The settings that README.md of core documents, for programs that use the packages.
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';
import { rollup } from 'rollup';
import { build as vite } from 'vite';
import webpack from 'webpack';

/** Makes `bundle.mjs` of `source.mjs`, in the same directory. */
type Bundler = (directory: string) => Promise<void>;

export const bundlers: Readonly<Record<string, Bundler>> = {
  async esbuild(directory) {
    await esbuild({
      entryPoints: [join(directory, 'source.mjs')],
      outfile: join(directory, 'bundle.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['@aiopipe/*'],
      logLevel: 'silent',
    });
  },
  async Rollup(directory) {
    const bundle = await rollup({ input: join(directory, 'source.mjs'), external: [/^@aiopipe\//] });
    await bundle.write({ file: join(directory, 'bundle.mjs'), format: 'es' });
    await bundle.close();
  },
  async Vite(directory) {
    await vite({
      root: directory,
      configFile: false,
      logLevel: 'silent',
      build: {
        ssr: 'source.mjs',
        outDir: directory,
        emptyOutDir: false,
        rollupOptions: { output: { entryFileNames: 'bundle.mjs' } },
      },
    });
  },
  async webpack(directory) {
    const compiler = webpack({
      mode: 'production',
      target: 'node20',
      context: directory,
      entry: './source.mjs',
      experiments: { outputModule: true },
      externalsType: 'module',
      externals: [/^@aiopipe\//],
      // Otherwise it writes the path of the source into the bundle, where a child process would look for its target.
      module: { parser: { javascript: { importMeta: false } } },
      output: { path: directory, filename: 'bundle.mjs', module: true },
    });
    await new Promise<void>((resolve, reject) => {
      compiler.run((error, stats) => {
        const wrong = error ?? (stats?.hasErrors() === true ? new Error(stats.toString()) : undefined);
        compiler.close(() => {
          if (wrong === undefined || wrong === null) resolve();
          else reject(wrong);
        });
      });
    });
  },
};
