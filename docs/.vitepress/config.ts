import { defineConfig } from 'vitepress';
import llmstxt from 'vitepress-plugin-llms';
import { lateLayout } from './late-layout.js';
import { linksOutside } from './links.js';
import { pages } from './pages.js';

const description = 'Pipes that you own, messages over them, child processes that receive them, chains of programs.';

/** Pages whose tables need the room of the outline beside them. */
const wide = new Set(['errors.md']);

/** The folder of the host in which the site stands. */
const base = process.env['AIOPIPE_DOCS_BASE'] ?? '/';

export default defineConfig({
  base,
  title: 'aiopipe',
  description,
  lang: 'en',
  cleanUrls: true,
  outDir: './dist',
  transformPageData(page) {
    if (wide.has(page.relativePath)) page.frontmatter['aside'] = false;
  },
  // The pages that `test/` and the packages need are beside them.
  srcExclude: ['test/**', '**/node_modules/**'],
  head: [['link', { rel: 'icon', href: `${base}icon.svg`, type: 'image/svg+xml' }]],
  markdown: {
    config(md) {
      linksOutside(md);
      lateLayout(md);
    },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
  },
  // Its types are those of a newer Vite.
  vite: { plugins: llmstxt({ ignoreFiles: ['test/**', 'charts/**'] }) as unknown as [] },
  themeConfig: {
    search: {
      provider: 'local',
      options: {
        miniSearch: {
          // A page explains; the reference has a section for every name. The page comes first.
          searchOptions: { boostDocument: (id: string) => (id.includes('/reference/') ? 0.3 : 1) },
        },
      },
    },
    outline: [2, 3],
    externalLinkIcon: true,
    nav: [
      { text: 'Tutorial', link: '/tutorial' },
      { text: 'Guarantees', link: '/guarantees' },
      { text: 'Reference', link: '/reference/' },
    ],
    sidebar: pages,
    socialLinks: [{ icon: 'github', link: 'https://github.com/aiopipe/aiopipe' }],
  },
});
