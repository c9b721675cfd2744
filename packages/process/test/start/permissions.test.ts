import { describe, expect, test } from 'vitest';
import { runFixture } from '@aiopipe/testing';

const isNode = process.versions['bun'] === undefined && process.versions['deno'] === undefined;
const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';
const flags = [flag, '--allow-addons', '--allow-fs-read=*'];

describe.runIf(isNode)('under the permission model', () => {
  test('without --allow-child-process, each start throws what spawn() of Node throws', async () => {
    const { stdout } = await runFixture('starts-under-permissions', { execArgv: flags });
    const refused = 'Error ERR_ACCESS_DENIED ChildProcess true';
    expect(stdout.split('\n').slice(0, -1)).toEqual([refused, refused, refused, refused, refused]);
  });

  test('with --allow-child-process, children are as restricted, whatever execArgv and env say', async () => {
    const { stdout } = await runFixture('starts-under-permissions', { execArgv: [...flags, '--allow-child-process'] });
    const same = '[true,false,true]';
    expect(stdout.split('\n').slice(0, -1)).toEqual([same, same, same, same, 'undefined']);
  });
});
