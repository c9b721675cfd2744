// The work of a thread until it is ended: it starts programs, opens and reads, and passes handles.
import { channel } from '@aiopipe/codec';
import { aioduplex, aiopipe, type ReadEnd } from '@aiopipe/core';
import { popen } from '@aiopipe/subprocess';

export async function programs(): Promise<never> {
  for (;;) {
    await popen(['true'], { stdin: 'ignore' }).wait();
    popen(['sleep', '100'], { stdin: 'pipe', stdout: 'pipe' }).unref();
  }
}

export async function pipes(): Promise<never> {
  const bytes = Buffer.alloc(10_000);
  for (;;) {
    const [rx, tx] = aiopipe();
    const [reader, writer] = [rx.open(), tx.open()];
    await writer.write(bytes);
    await writer.close();
    await reader.read();
    reader.close();
  }
}

export async function duplexes(): Promise<never> {
  for (;;) {
    const [one, other] = aioduplex().map((end) => end.open());
    await one?.writer.write('a line\n');
    await other?.reader.readLine();
    for (const stream of [one, other]) {
      stream?.reader.close();
      stream?.writer.destroy();
    }
  }
}

export async function handles(): Promise<never> {
  const [writer, reader] = channel<ReadEnd, ReadEnd>({ duplex: true });
  for (;;) {
    const [rx, tx] = aiopipe();
    await writer.put(rx);
    (await reader.get()).close();
    tx.close();
  }
}
