import { buildPackage } from '../../tsup.base.js';

export default buildPackage({ index: 'src/index.ts', 'stage-child': 'src/chain/stage-child.ts' });
