import { handled, nextTurn, now } from '@aiopipe/core/internal';
import { renamePath } from '../serializer/rename-path.js';
import { type IncomingCall } from './incoming-call.js';
import { type CallSender } from './call-sender.js';
import { ITEM, STREAM } from './protocol.js';

type Source = AsyncIterable<unknown> | Iterable<unknown>;
type SourceIterator = AsyncIterator<unknown, unknown> | Iterator<unknown, unknown>;

/** Milliseconds after which a generator that never waits lets the event loop go round. */
const LONGEST_TURN = 10;

/** Whether a result is a generator, or another iterator that can be looped over. */
export function isGenerator(value: unknown): value is Source {
  if (typeof value !== 'object' || value === null) return false;
  try {
    if (!('next' in value) || typeof value.next !== 'function') return false;
    return Symbol.asyncIterator in value || Symbol.iterator in value;
  } catch {
    // A Proxy or a getter that throws. The encoder names the place.
    return false;
  }
}

/** Sends the items that the caller asks for. Resolves with what the generator returns, and with undefined after a cancel. */
export async function sendItems(sender: CallSender, call: IncomingCall, source: Source): Promise<unknown> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let leaving: Promise<void> | undefined;
  const leave = () => (leaving ??= handled(leaveEarly(call, iterator)));
  // Also while next() waits: some iterators end that wait.
  call.onCancel = () => void leave();
  sender.post([STREAM, call.id]);
  let turn = now();
  for (;;) {
    while (!call.isCancelled && !call.takeAllowance()) await call.news();
    if (call.isCancelled) break;
    const result = (await call.run(iterator.next as never, iterator, [])) as IteratorResult<unknown, unknown>;
    // A synchronous generator may yield promises.
    const value: unknown = await result.value;
    if (result.done === true) return value;
    try {
      if (call.isCancelled) sender.dropResult(value);
      else if (!sendItem(sender, call, value)) await sender.drained();
    } catch (error) {
      await leave();
      throw error;
    }
    if (now() - turn > LONGEST_TURN) {
      await nextTurn();
      turn = now();
    }
  }
  return leave();
}

/** Runs the generator's `finally`. */
async function leaveEarly(call: IncomingCall, iterator: SourceIterator): Promise<void> {
  if (iterator.return !== undefined) await call.run(iterator.return as never, iterator, []);
}

function sendItem(sender: CallSender, call: IncomingCall, value: unknown): boolean {
  let refusal: { readonly error: unknown } | undefined;
  const hasRoom = sender.post(value === undefined ? [ITEM, call.id] : [ITEM, call.id, value], (error) => {
    refusal = { error: renamePath(error, 'value[2]', 'item') };
  });
  if (refusal !== undefined) throw refusal.error;
  return hasRoom;
}
