import { expect, test } from 'vitest';
import { displayName, displayText } from '../src/display-name.js';

const bytesOf = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

test.each([
  ['plain name.txt', 'plain name.txt'],
  [bytesOf('täglich 日本 🙂'), 'täglich 日本 🙂'],
  ['new\nline', 'new\\nline'],
  ['new\\nline', 'new\\\\nline'],
  ['\x1b[31mred\x07', '\\x1b[31mred\\x07'],
  ['\xff\xfe.txt', '\\xff\\xfe.txt'],
  ['\\\xff', '\\\\\\xff'],
  [bytesOf('\u202Egpj.exe'), '\\u{202e}gpj.exe'],
  [bytesOf('\u0085'), '\\u{85}'],
  [bytesOf('\uFEFFmark'), '\\u{feff}mark'],
])('%j is shown as %s', (name, shown) => {
  expect(displayName(name)).toBe(shown);
});

test('text that is text already keeps its backslashes', () => {
  expect(displayText('find: ‘./a\\nb’: no\x1b')).toBe('find: ‘./a\\nb’: no\\x1b');
});
