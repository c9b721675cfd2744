import { LineTooLongError } from '@aiopipe/core';
import { Records } from '@aiopipe/core/internal';
import { expect, test } from 'vitest';
import { randomFrom, randomSplit } from '../helpers.js';

function cut(text: string, separator: string, encoding: 'utf8' | 'latin1' | 'buffer', random: () => number): string[] {
  const bytes = Buffer.from(text, encoding === 'latin1' ? 'latin1' : 'utf8');
  const records = new Records({ separator: Buffer.from(separator), encoding, maxLineLength: 1024 * 1024 }, () => 'it');
  const found: string[] = [];
  const takeAll = () => {
    for (let record = records.take(); record !== undefined; record = records.take()) found.push(String(record));
  };
  for (const piece of randomSplit(bytes, random, 1 + Math.floor(random() * 50))) {
    records.push(piece);
    if (random() < 0.7) takeAll();
  }
  records.end();
  takeAll();
  return found;
}

test('records are those of the whole text, however its bytes come', () => {
  const random = randomFrom(7);
  const characters = ['a', 'é', '€', '😀', '\n', '\n', ';', ';;', ''];
  for (let round = 0; round < 300; round++) {
    const text = Array.from({ length: 60 }, () => characters[Math.floor(random() * characters.length)]).join('');
    for (const separator of ['\n', ';', ';;']) {
      const expected = text.split(separator);
      if (expected.at(-1) === '') expected.pop();
      expect(cut(text, separator, 'utf8', random)).toEqual(expected);
      expect(cut(text, separator, 'buffer', random)).toEqual(expected);
    }
  }
  expect(cut('é\nü', '\n', 'latin1', random)).toEqual(['é', 'ü']);
});

test('a record that is too long throws LineTooLongError with all bytes that were not taken; those that come later are cut', () => {
  const records = new Records<string>(
    { separator: Buffer.from('\n'), encoding: 'utf8', maxLineLength: 10 },
    () => 'it',
  );
  records.push(Buffer.from('short\n0123456'));
  expect(records.take()).toBe('short');
  expect(records.take()).toBeUndefined();
  records.push(Buffer.from('789ab\nnext\n'));
  expect(() => records.take()).toThrow(LineTooLongError);
  records.push(Buffer.from('0123456789ab'));
  const error = (() => {
    try {
      return records.take();
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(String((error as LineTooLongError).partial)).toBe('0123456789ab');
  records.push(Buffer.from('a\nb'));
  expect(records.take()).toBe('a');
});
