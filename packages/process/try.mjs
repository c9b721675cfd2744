import net from 'node:net'; import http from 'node:http'; import dgram from 'node:dgram';
import { once } from 'node:events';
import { target, startProcess, isChild, Pool } from './dist/index.js';
import { channel } from '@aiopipe/codec';
export const serve = target(import.meta.url, 'serve', async (ch) => {
  for await (const { socket, server, udp, head } of ch) {
    if (socket) { socket.on('data', d => socket.write('echo:' + d)); socket.on('end', () => socket.end()); }
    if (server) { if (server instanceof http.Server) server.on('request', (q, r) => r.end('from ' + process.pid)); else server.on('connection', s => s.end('conn ' + process.pid)); }
    if (udp) udp.on('message', (m, r) => udp.send('udp ' + m + process.pid, r.port, r.address));
    await ch.put('got');
  }
});
if (!isChild()) {
  const [a, b] = channel({ duplex: true });
  const p = startProcess(serve, { args: [b] });
  // 1 socket
  const server = net.createServer();
  server.listen(0, '127.0.0.1'); await once(server, 'listening');
  server.once('connection', async (s) => { s.once('data', async (d) => { s.pause(); s.unshift('pre' + d); await a.put({ socket: s }); console.log('moved', s.destroyed); try { s.write('x') } catch (e) { console.log(e.message) } }); });
  const c = net.connect(server.address().port); c.write('hello'); console.log(String((await once(c, 'data'))[0])); 
  c.write('more'); console.log(String((await once(c, 'data'))[0])); c.end(); await once(c, 'close');
  await a.get();
  const h = http.createServer((q, r) => r.end('parent')); h.listen(0, '127.0.0.1'); await once(h, 'listening');
  await a.put({ server: h }); await a.get();
  const seen = {}; for (let i = 0; i < 50; i++) { const t = await (await fetch('http://127.0.0.1:' + h.address().port, { headers: { connection: 'close' } })).text(); seen[t] = (seen[t] ?? 0) + 1; } console.log(seen);
  const { promise, resolve } = Promise.withResolvers?.() ?? {}; 
  h.close(); server.close();
  const u = dgram.createSocket('udp4'); u.bind(0, '127.0.0.1'); await once(u, 'listening'); const port = u.address().port;
  try { await a.put({udp: dgram.createSocket('udp4')}) } catch (e) { console.log(e.name, e.message) }
  await a.put({ udp: u }); await a.get(); u.close();
  const v = dgram.createSocket('udp4'); v.send('hi', port, '127.0.0.1'); console.log(String((await once(v, 'message'))[0])); v.close();
  for (const x of [process.stdout, process.stdin, server, h, c]) try { await a.put({ x }); console.log('no error'); } catch (e) { console.log(e.name, e.message) }
  a.close?.(); a[Symbol.dispose]?.();
  console.log(await p.join());
}
