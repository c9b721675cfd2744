import { preset } from '@aiopipe/testing/vitest';

export default preset();
