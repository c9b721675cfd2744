import { existsSync, statSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const docs = fileURLToPath(new URL('..', import.meta.url));
const root = dirname(resolve(docs));
const REPOSITORY = 'https://github.com/aiopipe/aiopipe';

interface Token {
  readonly type: string;
  readonly children: readonly Token[] | null;
  attrGet(name: string): string | null;
  attrSet(name: string, value: string): void;
}

interface MarkdownIt {
  readonly core: {
    readonly ruler: {
      push(name: string, rule: (state: { tokens: Token[]; env: { path?: string } }) => void): void;
    };
  };
}

/**
 * The pages are read in the repository, too, where a link to a source file or a package's README is relative. On the site
 * such a link leads to the repository.
 */
export function linksOutside(markdown: unknown): void {
  (markdown as MarkdownIt).core.ruler.push('links-outside', ({ tokens, env }) => {
    if (env.path === undefined) return;
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === 'link_open' ? token.attrGet('href') : null;
      if (href === null || /^([a-z]+:|#|\/)/.test(href)) continue;
      const [path = '', anchor = ''] = href.split(/(?=#)/);
      const target = resolve(dirname(env.path), decodeURI(path));
      if (!relative(docs, target).startsWith('..') || !existsSync(target)) continue;
      const kind = statSync(target).isDirectory() ? 'tree' : 'blob';
      token.attrSet('href', `${REPOSITORY}/${kind}/main/${relative(root, target)}${anchor}`);
    }
  });
}
