import { expect, test } from 'vitest';
import { runFixture } from '@aiopipe/testing';

// Deno's napi_get_value_int32() takes any value: null is 0, and a kill() of that process would signal this test's own group.
test.skipIf(process.versions['deno'] !== undefined).each([1, 2, 3])(
  'wrong arguments crash nothing and leave nothing open or running, by seed %i',
  async (seed) => {
    const { code, signal, stdout, stderr } = await runFixture('calls-with-any-arguments', {
      args: [String(seed), '1500'],
    });
    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
    const [counts = '', ...rest] = stdout.split('\n');
    const [, returned, threw] = /^(\d+) returned, (\d+) threw$/.exec(counts) ?? [];
    expect(Number(returned) + Number(threw)).toBe(1500);
    expect(Math.min(Number(returned), Number(threw))).toBeGreaterThan(100);
    expect(rest).toEqual(['untried: ', 'left: ', '']);
  },
);
