import { spawnSync } from 'node:child_process';
import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { LineScanner } from '../src/line-scanner.js';
import { compilePattern, isPortable } from '../src/pattern.js';
import { pseudoRandom } from './helpers.js';

afterAll(leakCheck());

const TEXT = [
  ...[
    '',
    'a',
    'b',
    'ab',
    'abab',
    'ba',
    'aab',
    'error',
    'an Error:',
    'x[y]',
    'a.b',
    'a+b',
    '$',
    '^a',
    'a|b',
    '(a)',
    'a{2}',
  ],
  ...[
    '\\',
    '.',
    '-',
    'a-b',
    'a\rb',
    'a\0b',
    '\0',
    'TODO\r',
    ' a ',
    'é',
    '\xff',
    '0',
    '42',
    'a_b',
    'a/b',
    'aaa',
    ']',
    '}',
  ],
].join('\n');

function ourCount(pattern: string, text: string): number {
  const scanner = new LineScanner(compilePattern(pattern));
  scanner.push(Buffer.from(text, 'latin1'));
  scanner.end();
  return scanner.matches;
}

/** NaN where grep refuses the pattern. */
function grepCount(pattern: string, text: string): number {
  const input = Buffer.from(text, 'latin1');
  const { stdout, status } = spawnSync('grep', ['-Eaic', '-e', pattern], {
    input,
    env: { ...process.env, LC_ALL: 'C' },
    encoding: 'utf8',
  });
  return status === 2 ? NaN : Number(stdout);
}

describe('a portable pattern finds as many lines as grep', () => {
  test.each([
    ...[
      'error|TODO',
      '^a',
      'a$',
      '^a$',
      '^$',
      '^',
      '$',
      'a|^$',
      '(^|b)a',
      'a(b|$)',
      '.',
      'a.b',
      'a*',
      'a+b',
      'ab?',
      '(ab)+',
    ],
    ...[
      '(ab){2}',
      'a{2}',
      'a{2,}',
      'a{1,2}b',
      'a{0}',
      '[ab]',
      '[^ab]',
      '[a-c]+',
      '[A-C]',
      '[0-9]+',
      '[^a-z]',
      '[.]',
      '[$|]',
    ],
    ...[
      '\\.',
      '\\[',
      '\\]',
      '\\(',
      '\\)',
      '\\{',
      '\\}',
      '\\*',
      '\\+',
      '\\?',
      '\\|',
      '\\^',
      '\\$',
      '\\\\',
      '((a)|(b))b',
      '-',
      '-e',
    ],
    ...['[(]a', '[a)]', 'a-b', 'a/b', ' a ', '(a*)*', '(a|b)*b', '_', "'", '"', '`', '~', '#', '&', '[{}]', '[:a]|a'],
  ])('%s', (pattern) => {
    if (pattern !== '[:a]|a') expect(isPortable(pattern)).toBe(true);
    expect(ourCount(pattern, TEXT)).toBe(grepCount(pattern, TEXT));
  });

  test('if both are random', { timeout: 60_000 }, () => {
    const below = pseudoRandom(20_26);
    const pick = (choices: readonly string[]) => choices[below(choices.length)] ?? '';
    const atom = (depth: number): string =>
      depth > 0 && below(4) === 0
        ? `(${alternatives(depth - 1)})`
        : pick([
            'a',
            'b',
            'A',
            'x',
            '.',
            '[ab]',
            '[^a]',
            '[a-c]',
            '[:a]',
            '[(a|b)]',
            '[^$.]',
            '\\.',
            '\\$',
            '\\\\',
            '0',
            ' ',
            '-',
          ]);
    const piece = (depth: number) => atom(depth) + pick(['', '', '', '*', '+', '?', '{2}', '{0,1}', '{1,}', '{0}']);
    const branch = (depth: number) =>
      pick(['', '', '^']) + Array.from({ length: below(4) }, () => piece(depth)).join('') + pick(['', '', '$']);
    const alternatives = (depth: number): string => Array.from({ length: 1 + below(2) }, () => branch(depth)).join('|');
    const line = () =>
      Array.from({ length: below(6) }, () =>
        pick(['a', 'b', 'A', 'B', 'x', '.', '$', '\\', '0', ' ', '-', '\r', '\0', '\xe9']),
      ).join('');

    let compared = 0;
    for (let round = 0; round < 600; round++) {
      const pattern = alternatives(2);
      if (!isPortable(pattern)) continue;
      const text = Array.from({ length: 12 }, line).join('\n');
      expect({ pattern, text, count: ourCount(pattern, text) }).toEqual({
        pattern,
        text,
        count: grepCount(pattern, text),
      });
      compared++;
    }
    expect(compared).toBeGreaterThan(200);
  });
});

test.each([
  ...[
    '',
    '()',
    'a|',
    '|a',
    '(|a)',
    '(?:a)',
    '(?=a)',
    '(?<n>a)',
    'a*?',
    'a**',
    'a{1}*',
    '\\d',
    '\\w',
    '\\b',
    '\\n',
    '\\/',
    '(a)\\1',
  ],
  ...[
    '[[:alpha:]]',
    '[:alpha:]',
    '[^:alpha:]',
    '[]a]',
    '[a-]',
    '[\\]]',
    '[a-Z]',
    '[^^]',
    'a^b',
    'a$b',
    '^*',
    '^^a',
    '(^)*',
    'é',
    'a\nb',
  ],
  ...['a{,3}', 'a{100}', 'a{', '{', '}', ']', '(', ')', '((a{99}){99}){99}', '((a{9})*){9}'],
])('not portable: %j', (pattern) => {
  expect(isPortable(pattern)).toBe(false);
});

test('what is no pattern throws a SyntaxError', () => {
  for (const source of ['(', '[', 'a{2,1}', '*', '\\']) expect(() => compilePattern(source)).toThrow(SyntaxError);
});
