import { expect, test } from 'vitest';
import { LineScanner } from '../src/line-scanner.js';
import { compilePattern } from '../src/pattern.js';

function scan(pieces: readonly (string | Buffer)[], pattern = 'error|TODO'): { lines: number; matches: number } {
  const scanner = new LineScanner(compilePattern(pattern));
  for (const piece of pieces) scanner.push(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
  scanner.end();
  return { lines: scanner.lines, matches: scanner.matches };
}

test('nothing has no lines', () => {
  expect(scan([])).toEqual({ lines: 0, matches: 0 });
});

test('a last line without a newline is a match, but not a line', () => {
  expect(scan(['error\nTODO'])).toEqual({ lines: 1, matches: 2 });
});

test('what follows the last newline is not a line if it is empty', () => {
  expect(scan(['a\n'], '^')).toEqual({ lines: 1, matches: 1 });
});

test('carriage returns and NUL bytes belong to the line', () => {
  expect(scan(['error\r\n\0error\0\n'], 'error$')).toEqual({ lines: 2, matches: 0 });
  expect(scan(['a\rb\na\0b\n'], '^a.b$')).toEqual({ lines: 2, matches: 2 });
});

test('a line that is split anywhere counts the same', () => {
  const text = 'an error\n\nno\nTO\xffDO\nTODO\r\nlast error';
  const whole = scan([text]);
  for (let cut = 0; cut <= text.length; cut++) expect(scan([text.slice(0, cut), text.slice(cut)])).toEqual(whole);
  expect(scan([...text])).toEqual(whole);
});

test('pieces that are overwritten later have been understood', () => {
  const piece = Buffer.from('err');
  const scanner = new LineScanner(compilePattern('error'));
  scanner.push(piece);
  piece.fill('x');
  scanner.push(Buffer.from('or\n'));
  expect(scanner.matches).toBe(1);
});
