import { buildPackage } from '../../tsup.base.js';

export default buildPackage({ index: 'src/index.ts', 'stage-child': 'src/stage-child.ts' });
