import { $, pipeline } from '@aiopipe/subprocess';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { collect } from '../helpers.js';

afterAll(leakCheck());

const words = async (chain: ReturnType<typeof $>) => collect(chain.lines({ separator: '\0' }));

describe('$', () => {
  it('is a chain of one program', async () => {
    expect((await $`seq 3`.run()).stdout).toBe('1\n2\n3\n');
    expect(await collect($`seq ${3}`.lines())).toEqual(['1', '2', '3']);
    expect((await pipeline($`seq 3`, $`wc -l`).run()).stdout.trim()).toBe('3');
    expect((await $`seq 3`.pipe($`wc -l`).run()).stdout.trim()).toBe('3');
  });

  it.each(['', ' ', 'a b', "it's", '"', '$HOME', '`id`', '*', '\n', ';', '| rm', '-n', '\\', 'é€😀', '~', '{}'])(
    'passes %j as one argument',
    async (value) => {
      expect(await words($`printf %s${'\\0'} ${value}`)).toEqual([value]);
      expect(await words($`printf %s${'\\0'} --x=${value}.y`)).toEqual([`--x=${value}.y`]);
    },
  );

  it('passes a list as so many arguments, also none', async () => {
    expect(await words($`printf %s${'\\0'} ${['a b', 'c', 1]} d`)).toEqual(['a b', 'c', '1', 'd']);
    expect(await words($`printf %s${'\\0'} ${[]} d`)).toEqual(['d']);
    expect(await words($`${['printf', '%s\\0']} a`)).toEqual(['a']);
  });

  it('takes blanks between words as one, and a template of several lines at its edges', () => {
    expect(String($`  ls   -l	${'a b'} `)).toBe("ls -l 'a b'");
    expect(
      String($`
        ls -l
      `),
    ).toBe('ls -l');
    expect(String($`${'a'}${'b'}-${1}${2}`)).toBe('ab-12');
  });

  it.each<[string, () => unknown, RegExp]>([
    ['a pipe', () => $`ls | wc`, /`ls \| wc`: no shell runs this.*\.pipe\(/],
    ['a redirection', () => $`ls > x`, /redirection: write run\({ input/],
    ['two commands', () => $`ls; ls`, /second command/],
    ['and', () => $`ls && ls`, /second command/],
    ['double quotes', () => $`ls "a b"`, /a quote/],
    ['single quotes', () => $`ls 'a b'`, /a quote/],
    ['a backslash', () => $`ls a\ b`, /a quote/],
    ['a pattern', () => $`ls *.ts`, /glob\(\)/],
    ['a variable', () => $`ls $HOME`, /an expansion/],
    ['braces', () => $`ls {a,b}`, /an expansion/],
    ['a subshell', () => $`(ls)`, /an expansion/],
    ['a tilde', () => $`ls ~/x`, /`~`/],
    ['a comment', () => $`ls # all`, /`#`/],
    ['an environment', () => $`A=1 ls`, /argv, env/],
    [
      'two lines',
      () => $`ls
      pwd`,
      /second line/,
    ],
    ['nothing', () => $``, /argv/],
    ['a list in a word', () => $`ls --x=${['a']}`, /value 1 is a list/],
    ['undefined', () => $`ls ${undefined as never}`, /value 1: expected a string.*undefined/],
    ['an object', () => $`ls ${'a'} ${{} as never}`, /value 2: expected a string/],
    ['a call', () => ($ as unknown as (text: string) => unknown)('ls'), /template tag/],
    ['a NUL', () => $`ls ${'a\0b'}`, /NUL/],
  ])('refuses %s, and says what to write', (_name, make, message) => {
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });

  it('takes what a shell takes as it stands', () => {
    expect(String($`dd if=/dev/zero of=a~b bs=1% x#y -DA=1 a:b,c@d+e ^f !`)).toBe(
      "dd if=/dev/zero of='a~b' bs=1% 'x#y' -DA=1 a:b,c@d+e '^f' '!'".replace("of='a~b'", "'of=a~b'"),
    );
  });
});
