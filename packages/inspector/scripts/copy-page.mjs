// Puts the page's files and uPlot's into dist/page, as the server gives them to browsers.
import { cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const page = join(root, 'dist/page');
cpSync(join(root, 'page'), page, { recursive: true, filter: (path) => !/tsconfig[.]json$|[.]d[.]ts$/.test(path) });

const uplot = join(root, 'node_modules/uplot');
cpSync(join(uplot, 'dist/uPlot.iife.min.js'), join(page, 'uplot.js'));
cpSync(join(uplot, 'dist/uPlot.min.css'), join(page, 'uplot.css'));
// Its licence asks for that.
cpSync(join(uplot, 'LICENSE'), join(page, 'uplot.LICENSE'));
