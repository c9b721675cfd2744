import {
  aioduplex,
  aiopipe,
  type DuplexEnd,
  DuplexStream,
  IncompleteReadError,
  type PipeReader,
  type ReadEnd,
  type WriteEnd,
} from '@aiopipe/core';
import { startProcess, target } from '@aiopipe/process';
import { runLaps, type Laps } from '../harness/laps.js';
import {
  CONFIRMATION,
  HEADER_LENGTH,
  makeHeader,
  makeTransport,
  READ_SIZE,
  readHeader,
  type Transfer,
} from './transport.js';

/** Writes to the consumer below until it has confirmed that all has come. */
export const transfer = target(import.meta.url, 'transfer', async (laps: Laps, spec: Transfer) => {
  const [input, output] = makeTransport(spec);
  const [confirmed, confirm] = aiopipe();
  startProcess(consumer, { args: [input, confirm, spec.into] });
  await using confirmations = confirmed.open();
  await using stream = output.open();
  const writer = stream instanceof DuplexStream ? stream.writer : stream;
  const data = Buffer.alloc(spec.size, 'x');
  await runLaps(laps, async (amount) => {
    await writer.write(makeHeader(amount * spec.size));
    for (let i = 0; i < amount; i++) await writer.write(data);
    await confirmations.readExactly(CONFIRMATION.length);
  });
});

const consumer = target(
  import.meta.url,
  'consumer',
  async (input: ReadEnd | DuplexEnd, confirm: WriteEnd, into: boolean) => {
    await using stream = input.open();
    const reader = stream instanceof DuplexStream ? stream.reader : stream;
    await using confirmations = confirm.open();
    const buffer = Buffer.alloc(READ_SIZE);
    for (;;) {
      const header = await nextRequest(reader, HEADER_LENGTH);
      if (header === undefined) return;
      let left = readHeader(header);
      if (into) while (left > 0) left -= await reader.readInto(buffer);
      else while (left > 0) left -= (await reader.read(READ_SIZE)).length;
      await confirmations.write(CONFIRMATION);
    }
  },
);

/** Small messages there and back. */
export const pingPong = target(import.meta.url, 'pingPong', async (laps: Laps, size: number) => {
  const [here, there] = aioduplex();
  startProcess(echo, { args: [there, size] });
  await using stream = here.open();
  const { reader, writer } = stream;
  const message = Buffer.alloc(size, 'x');
  await runLaps(laps, async (amount) => {
    for (let i = 0; i < amount; i++) {
      await writer.write(message);
      await reader.readExactly(size);
    }
  });
});

const echo = target(import.meta.url, 'echo', async (end: DuplexEnd, size: number) => {
  await using stream = end.open();
  const { reader, writer } = stream;
  for (;;) {
    const message = await nextRequest(reader, size);
    if (message === undefined) return;
    await writer.write(message);
  }
});

/** Undefined once the other side has closed. */
async function nextRequest(reader: PipeReader, size: number): Promise<Buffer | undefined> {
  try {
    return await reader.readExactly(size);
  } catch (error) {
    if (error instanceof IncompleteReadError && error.partial.length === 0) return undefined;
    throw error;
  }
}
