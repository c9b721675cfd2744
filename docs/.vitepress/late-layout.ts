import type { MarkdownRenderer } from 'vitepress';

type Tokens = Parameters<MarkdownRenderer['renderer']['render']>[0];

/** Pixels, as the theme has them on a wide screen: of one line of a text, a program and a table, and around a block. */
const LINE = 28;
const CODE_LINE = 24;
const ROW = 42;
const AROUND = 32;
/** Characters on one line of a text. */
const LINE_LENGTH = 85;

/** Comments, scripts and styles: a `<` in them begins no element. */
const NO_TAGS = /<!--[^]*?-->|<(script|style)\b[^]*?<\/\1\s*>/gi;
const TAG = /<(\/)?([a-z][\w.:-]*)(?:"[^"]*"|'[^']*'|[^"'>])*?(\/)?>/gi;
/** Elements that have no end tag. */
const EMPTY_ELEMENTS = new Set('area base br col embed hr img input link meta source track wbr'.split(' '));

/**
 * Puts what stands between two headings into a `div` of the class `late`. The browser styles and lays it out when it comes near the screen,
 * so a long page is there sooner. The headings stay outside: the outline asks where each one is.
 */
export function lateLayout(md: MarkdownRenderer): void {
  md.core.ruler.push('late-layout', (state) => {
    const [first = [], ...others] = partsOf(state.tokens);
    state.tokens = [...first, ...others.flatMap((part) => wrap(part, (html) => newBlock(state, html)))];
  });
}

/** Splits the tokens before each heading, but never inside an HTML element: its start and its end stay in one part. */
function partsOf(tokens: Tokens): Tokens[] {
  const parts: Tokens[] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (isHeading(token) && depth === 0) parts.push([]);
    if (token.type === 'html_block') depth = Math.max(0, depth + openedBy(token.content));
    parts.at(-1)?.push(token);
  }
  return parts;
}

function isHeading(token: Tokens[number]): boolean {
  return token.type === 'heading_open' && token.level === 0;
}

/** How many elements the HTML opens, less those that it closes. */
function openedBy(html: string): number {
  let opened = 0;
  for (const [, isEnd, name = '', isWhole] of html.replaceAll(NO_TAGS, '').matchAll(TAG)) {
    if (isEnd) opened--;
    else if (!isWhole && !EMPTY_ELEMENTS.has(name.toLowerCase())) opened++;
  }
  return opened;
}

function newBlock(
  state: { Token: new (...args: ['html_block', '', 0]) => Tokens[number] },
  html: string,
): Tokens[number] {
  const token = new state.Token('html_block', '', 0);
  token.content = html;
  return token;
}

/**
 * A heading and what follows it. The title of the page stands alone: what follows it is on the screen. If an HTML element holds a
 * further heading, all is laid out at once, because no heading may be in the `div`.
 */
function wrap(part: Tokens, block: (html: string) => Tokens[number]): Tokens {
  const end = part.findIndex((token) => token.type === 'heading_close') + 1;
  const rest = part.slice(end);
  if (part[0]?.tag === 'h1' || rest.length === 0 || rest.some(isHeading)) return part;
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
