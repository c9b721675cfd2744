import { type Exchange } from './exchange.js';
import { serveLink } from './link.js';
import { sendLink } from './process-send.js';

serveLink(sendLink(process), JSON.parse(process.argv[2] as string) as Exchange);
