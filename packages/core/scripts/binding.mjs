import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the binding's sources. */
export const nativeDir = join(dirname(dirname(fileURLToPath(import.meta.url))), 'native');

/** What binding.gyp says about one system, `linux` or `mac`: a name, the sources, and the compiler's macros and options. */
export function bindingFor(system) {
  const [target] = JSON.parse(readFileSync(join(nativeDir, 'binding.gyp'), 'utf8')).targets;
  const [, { sources }] = target.conditions.find(([condition]) => condition === `OS=='${system}'`);
  return {
    name: target.target_name,
    sources: [...target.sources, ...sources],
    defines: [...target.defines, `NODE_GYP_MODULE_NAME=${target.target_name}`],
    cflags: target.cflags,
  };
}
