import { build } from '../../tsup.base.js';

// File by file: a child process loads worker.js alone.
export default build({ main: 'src/main.ts', worker: 'src/worker.ts' }, { entry: ['src/*.ts'], bundle: false });
