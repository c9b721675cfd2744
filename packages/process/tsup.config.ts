import { buildPackage } from '../../tsup.base.js';

const entries = {
  index: 'src/index.ts',
  target: 'src/target-module.ts',
  internal: 'src/internal.ts',
  worker: 'src/worker/serve.ts',
  child: 'src/child/child.ts',
};

// What the entries share is in files of its own: a child's program and its target's module must not bring a copy each.
export default buildPackage(entries, { splitting: true });
