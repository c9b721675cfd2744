import net from 'node:net'; import { once } from 'node:events'; import { channel } from '@aiopipe/codec';
const [r, w] = channel();
const server = net.createServer().listen(0, '127.0.0.1'); await once(server, 'listening');
const port = server.address().port;
let done = 0; const N = +process.argv[2] || 5000;
server.on('connection', (s) => { void w.put(s); });
(async () => { for await (const s of r) { s.end('x'); s.resume(); } })();
async function client() { while (done < N) { done++; const c = net.connect(port, '127.0.0.1'); c.resume(); await once(c, 'close'); } }
const t = process.cpuUsage(); const b = performance.now();
await Promise.all(Array.from({ length: 8 }, client));
const u = process.cpuUsage(t); console.log('us/conn CPU', (u.user + u.system) / N | 0, u.user / N | 0, u.system / N | 0);
server.close(); w.close(); r[Symbol.dispose]();
