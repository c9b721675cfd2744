import { runFixture } from '@aiopipe/testing';
import { describe, expect, it } from 'vitest';

const isNode = process.versions['bun'] === undefined && process.versions['deno'] === undefined;
const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';
const flags = [flag, '--allow-addons', '--allow-fs-read=*'];

describe.runIf(isNode)('Under the permission model', () => {
  it('without --allow-child-process, popen() and chains throw what spawn() of Node throws, and take nothing', async () => {
    const { stdout } = await runFixture('starts-under-permissions', { execArgv: flags });
    const [ofNode = '', ofPopen, state, ...ofChains] = stdout.split('\n');
    expect(ofNode).toBe('Error ERR_ACCESS_DENIED ChildProcess true');
    expect([ofPopen, state, ...ofChains]).toEqual([ofNode, 'owned', ofNode, ofNode, '']);
  });

  it('with --allow-child-process, they start programs', async () => {
    const { stdout } = await runFixture('starts-under-permissions', { execArgv: [...flags, '--allow-child-process'] });
    expect(stdout).toBe('started\nstarted\nmoved\nstarted\nstarted\n');
  });

  it('a Node that they start is as restricted, whatever its environment is, unless it has flags of its own', async () => {
    const { stdout } = await runFixture('starts-under-permissions', {
      args: ['flags'],
      execArgv: [...flags, '--allow-child-process'],
    });
    const same = '[true,false]';
    expect(stdout).toBe(`${same} ${same} ${same} [true,true]`);
  });
});
