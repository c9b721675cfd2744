import type { MarkdownRenderer } from 'vitepress';

type Tokens = Parameters<MarkdownRenderer['renderer']['render']>[0];

/** Pixels, as the theme has them on a wide screen: of one line of a text, a program and a table, and around a block. */
const LINE = 28;
const CODE_LINE = 24;
const ROW = 42;
const AROUND = 32;
/** Characters on one line of a text. */
const LINE_LENGTH = 85;

/**
 * Puts what stands between two headings into a `div` of the class `late`. The browser styles and lays it out when it comes near the screen,
 * so a long page is there sooner. The headings stay outside: the outline asks where each one is.
 */
export function lateLayout(md: MarkdownRenderer): void {
  md.core.ruler.push('late-layout', (state) => {
    const parts: Tokens[] = [[]];
    for (const token of state.tokens) {
      if (token.type === 'heading_open' && token.level === 0) parts.push([]);
      parts.at(-1)?.push(token);
    }
    const [first = [], ...others] = parts;
    state.tokens = [...first, ...others.flatMap((part) => wrap(part, (html) => newBlock(state, html)))];
  });
}

function newBlock(
  state: { Token: new (...args: ['html_block', '', 0]) => Tokens[number] },
  html: string,
): Tokens[number] {
  const token = new state.Token('html_block', '', 0);
  token.content = html;
  return token;
}

/** A heading and what follows it. The title of the page stands alone: what follows it is on the screen. */
function wrap(part: Tokens, block: (html: string) => Tokens[number]): Tokens {
  const end = part.findIndex((token) => token.type === 'heading_close') + 1;
  const rest = part.slice(end);
  if (part[0]?.tag === 'h1' || rest.length === 0) return part;
  const open = `<div class="late" style="contain-intrinsic-height: auto ${String(heightOf(rest))}px">\n`;
  return [...part.slice(0, end), block(open), ...rest, block('</div>\n')];
}

/** About how high it will be. Once it was laid out, the browser knows better. */
function heightOf(tokens: Tokens): number {
  let height = 0;
  for (const [i, token] of tokens.entries()) {
    if (token.type === 'fence') height += token.content.split('\n').length * CODE_LINE + 2 * AROUND;
    else if (token.type === 'tr_open') height += ROW;
    else if (token.type === 'inline' && tokens[i - 1]?.type === 'paragraph_open')
      height += Math.ceil(token.content.length / LINE_LENGTH) * LINE + AROUND;
  }
  return height;
}
