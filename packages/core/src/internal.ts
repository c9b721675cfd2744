/**
 * What the layers above need of this one's inside. It promises nothing to anyone else.
 *
 * @module
 */
export * from './index.js';
export { onAbort } from './abort.js';
export { closeSideWhenDropped, forget } from './collector.js';
export { Descriptor, EAGAIN, type Interest } from './descriptor.js';
export { socketPair } from './end.js';
export { variablesOf, type Environment } from './environment.js';
export { nameErrors } from './errors.js';
export { inheritedExecArgv, inheritedNodeOptions } from './exec-argv.js';
export {
  adopterOf,
  HANDLE,
  HANDLE_IN_JSON,
  isHandle,
  movingBy,
  registerHandleKind,
  type Handle,
  type PackedHandle,
} from './handle.js';
export { allocateLarge, shareMemory } from './large-memory.js';
export { LOOP_END, LoopIterator } from './loop-iterator.js';
export { native, OWN, READABLE, SHARED, SOCKET, WRITABLE } from './native.js';
export { OwnedFd } from './owned-fd.js';
export { signalNumber } from './signals.js';
export { spawn, type Exit, type Guard, type ResourceUsage, type SpawnedProgram, type SpawnOptions } from './spawn.js';
export { checkOptions, optionNames, refuseOptions, type OptionNames } from './options.js';
export { show } from './show.js';
export * from './taken.js';
export { checkMilliseconds, refuseMilliseconds, Timer } from './timer.js';
export { abortError, calledFrom, callSite, Pending, refuse, WAIT_OPTIONS, type CallSite } from './waiting.js';
export { inspectFd, PIPE, type Transport } from './transport.js';
export { flushAll, flushAllBlocking, unflushed, type Unflushed } from './unflushed.js';
