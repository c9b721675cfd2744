// Which parts of a page the browser lays out late, and that no HTML element of a page is torn apart by that.
import { createMarkdownRenderer, type MarkdownRenderer } from 'vitepress';
import { beforeAll, expect, test } from 'vitest';
import { lateLayout } from '../.vitepress/late-layout.js';

let md: MarkdownRenderer;
beforeAll(async () => {
  md = await createMarkdownRenderer('.', { config: lateLayout, highlight: (code) => code });
});

/** The tags and texts that matter, in their order. */
const outline = (html: string) =>
  [...html.matchAll(/<div class="late"|<\/?(?:div|details|section|b-box)\b|<h\d|text \w/g)].map(([part]) =>
    part.replace('<div class="late"', '<late').replace('text ', ''),
  );

test('what follows a heading is in a block of its own, and the heading is not', () => {
  expect(outline(md.render('# One\n\ntext a\n\n## Two\n\ntext b\n\n### Three\n\ntext c\n'))).toEqual([
    ...['<h1', 'a'],
    ...['<h2', '<late', 'b', '</div'],
    ...['<h3', '<late', 'c', '</div'],
  ]);
});

test.each([
  ['details', '<details open title="a > b">\n<summary>text s</summary>\n', '</details>'],
  ['section', '<section>\n', '</section>'],
  ['b-box', '<b-box\n  :value="1">\n', '</b-box>'],
])('an element <%s> that opens before a heading and closes after it stays whole', (name, start, end) => {
  const page = `## One\n\ntext a\n\n${start}\n## Two\n\ntext b\n\n${end}\n\ntext c\n\n## Three\n\ntext d\n`;
  const parts = outline(md.render(page)).filter((part) => part !== 's');
  expect(parts).toEqual([...['<h2', 'a', `<${name}`, '<h2', 'b', `</${name}`, 'c'], ...['<h2', '<late', 'd', '</div']]);
});

test('an element within an element does not end it', () => {
  const page =
    '## One\n\n<section>\n<section>\n\ntext a\n\n</section>\n\n## Two\n\ntext b\n\n</section>\n\n## Three\n\ntext c\n';
  expect(outline(md.render(page))).toEqual([
    ...['<h2', '<section', '<section', 'a', '</section', '<h2', 'b', '</section'],
    ...['<h2', '<late', 'c', '</div'],
  ]);
});

test.each([
  [
    'an element that is closed before the next heading',
    '<section>\n\ntext a\n\n</section>',
    ['<section', 'a', '</section'],
  ],
  ['an element without an end tag', '<div>text a<br><img src="/a.svg"></div>', ['<div', 'a', '</div']],
  ['an element that closes itself', '<b-box value="1" />\n\ntext a', ['<b-box', 'a']],
  ['a comment', '<!-- <section> -->\n\ntext a', ['a']],
])('%s does not hold the next heading', (_, html, parts) => {
  const rendered = md.render(`## One\n\n${html}\n\n## Two\n\ntext b\n`).replaceAll(/<!--.*?-->/g, '');
  expect(outline(rendered)).toEqual([...['<h2', '<late', ...parts, '</div'], ...['<h2', '<late', 'b', '</div']]);
});
