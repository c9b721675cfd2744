import { build } from '../../tsup.base.js';

export default build({ index: 'src/index.ts', child: 'src/child.ts', 'pool-child': 'src/pool-child.ts' });
