import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bindingFor } from '../../scripts/binding.mjs';

const prefix = dirname(dirname(process.execPath));
const canCompile = existsSync(join(prefix, 'include/node/node_api.h')) && spawnSync('cc', ['--version']).status === 0;

const { defines, cflags } = bindingFor('linux');

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'aiopipe-status-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** Compiles a file of the binding with this text, by the flags of its build. Returns the errors; empty if there are none. */
function compile(text: string): string {
  const file = join(directory, 'one.c');
  writeFileSync(file, text);
  const includes = ['native', `${prefix}/include/node`, `${prefix}/include`].map((path) => `-I${path}`);
  const words = [...cflags, ...defines.map((define) => `-D${define}`), ...includes, '-c', '-o', '/dev/null', file];
  const { status, stderr } = spawnSync('cc', words, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  return status === 0 ? '' : stderr;
}

const functionWith = (line: string) => `
  #include "aiopipe.h"
  napi_value f(napi_env env, napi_value value);
  napi_value f(napi_env env, napi_value value) {
    int32_t number = 0;
    ${line}
    return int_value(env, number);
  }`;

test.skipIf(!canCompile)('the build takes a call of Node-API whose status is looked at', () => {
  expect(compile(functionWith('CHECK(env, napi_get_value_int32(env, value, &number));'))).toBe('');
});

test.skipIf(!canCompile).each([
  ['a call of Node-API', 'napi_get_value_int32(env, value, &number);'],
  ['a call of Node-API, by a cast to void', '(void)napi_get_value_int32(env, value, &number);'],
  ['a function of ours that returns one', 'get_int(env, value, &number);'],
])('the build fails if a status is dropped: of %s', (_, line) => {
  expect(compile(functionWith(line))).toMatch(/error: ignoring return value .*unused-result/s);
});

test('Node’s headers are included where statuses are checked, and nowhere else', () => {
  const files = readdirSync('native').filter((name) => /\.[ch]$/.test(name));
  const built = ['linux', 'mac'].flatMap((system) => bindingFor(system).sources);
  expect(files.filter((name) => name.endsWith('.c')).sort()).toEqual([...new Set(built)].sort());
  const including = files.filter((name) => /<(js_native|node)_api/.test(readFileSync(join('native', name), 'utf8')));
  expect(including).toEqual(['checked.h']);
});
