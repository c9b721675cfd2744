import { type Exchange } from './exchange.js';
import { serveLink } from './link.js';
import { partnerLinks } from './net-socket.js';

const spec = JSON.parse(process.argv[2] as string) as Exchange;
for (const link of partnerLinks(spec)) serveLink(link, spec);
