import { channel, type ChannelWriter } from '@aiopipe/codec';

/**
 * Does once what a start does: takes a handle out of a message, and sends one over it. V8 compiles what is called for the
 * first time, which is a third of the time from a start to its first message; a child that waits does that beforehand.
 */
export async function warmUp(): Promise<void> {
  const [reader, writer] = channel<readonly ChannelWriter<string>[]>();
  const [echo, sent] = channel<string>();
  try {
    await writer.put([sent]);
    const [received] = await reader.get();
    await received?.put('');
    await echo.get();
    received?.[Symbol.dispose]();
  } finally {
    for (const end of [reader, writer, echo]) end[Symbol.dispose]();
  }
}
