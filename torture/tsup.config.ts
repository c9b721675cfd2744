import { build } from '../tsup.base.js';

// File by file: the processes that take part load the one that is theirs.
export default build({ main: 'src/main.ts' }, { entry: ['src/**/*.ts'], bundle: false });
