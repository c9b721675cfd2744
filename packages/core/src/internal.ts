/**
 * The internals of this layer that the layers above need. It promises nothing to users.
 *
 * @module
 */
export * from './index.js';
export { onAbort } from './wait/abort.js';
export { closeSideWhenDropped, closeWhenDropped, forget } from './fd/collector.js';
export { Descriptor, EAGAIN, type Interest } from './fd/descriptor.js';
export { describeFd, isTerminal, type FdDescription, type FdKind } from './fd/description.js';
export { statPath } from './fd/file-status.js';
export { socketPair } from './end/pipe.js';
export { variablesOf } from './program/environment.js';
export { nameErrors } from './errors.js';
export { emptySocket, fdOfSocket, isNetSocket } from './file/net-socket.js';
export { inheritedExecArgv, inheritedNodeOptions, runtimeArgv } from './program/exec-argv.js';
export {
  adopterOf,
  HANDLE,
  HANDLE_IN_JSON,
  isHandle,
  move,
  registerHandleKind,
  type Handle,
  type Move,
  type Packed,
} from './move/handle.js';
export { allocateLarge, shareMemory } from './stream/large-memory.js';
export { Progress } from './stream/write-progress.js';
export { GeneratorLoop, LOOP_END, LoopIterator } from './wait/loop-iterator.js';
export { native, OWN, READABLE, SHARED, SOCKET, WRITABLE } from './fd/native.js';
export { OwnedFd } from './fd/owned-fd.js';
export { signalNumber } from './program/signals.js';
export { closedHandle, fileError, openFile, writingFlags } from './program/open-file.js';
export {
  checkExtraFds,
  checkSource,
  checkStdio,
  checkTarget,
  isEnd,
  isFileHandle,
  isFileSource,
  streamHint,
  type ChildStdio,
  type Slot,
} from './program/stdio.js';
export { checkMayStart } from './program/permission.js';
export { limitsBehindEnd, limitsBehindError } from './program/limit-reasons.js';
export { checkLimits, limitsKey } from './program/limits.js';
export { StdioFds, type Receiver } from './program/stdio-fds.js';
export { type Terminal } from './program/terminal.js';
export { DEFAULT_GRACE, stop, stopPrograms, within } from './program/stop.js';
export { checkArgv, checkSurroundings } from './program/surroundings.js';
export { contextVariables, injectContext, readContext, runInContext, type CarriedContext } from './observe/carriers.js';
export { diagnosticsChannel } from './observe/diagnostics-channel.js';
export { Traced } from './observe/traced.js';
export { ObservedLives } from './observe/lives.js';
export { processStart } from './program/process-events.js';
export { spawn, type Guard, type SpawnedProgram, type SpawnOptions } from './program/spawn.js';
export { checkOptions, instead, nearestName, optionNames, refuseOptions, type OptionNames } from './check/options.js';
export { checkCount, type CountRange } from './check/count.js';
export { checkFlag } from './check/flag.js';
export { show } from './check/show.js';
export { isThenable } from './check/thenable.js';
export { describeValue, reasonOf } from './check/thrown.js';
export * from './wait/saved-globals.js';
export { handled } from './wait/handled.js';
export { SiteWarnings } from './wait/site-warnings.js';
export { Records, type RecordOptions } from './stream/records.js';
export { mayAnswerNow, nextShare } from './wait/turn.js';
export { Timer } from './wait/timer.js';
export { checkGivenInterval, checkInterval, checkMilliseconds, refuseMilliseconds } from './check/milliseconds.js';
export { checkName, checkText, checkTexts } from './check/text.js';
export { calledFrom, callSite, placeOfCall, withStackLimit, type CallSite } from './wait/call-site.js';
export { abortError, Pending, refuse, WAIT_OPTIONS } from './wait/pending.js';
export { inspectFd, LOCAL_SOCKET, PIPE, type Transport } from './fd/transport.js';
export {
  acceptLocal,
  connectLocal,
  listenLocal,
  localName,
  type Listening,
  type LocalName,
} from './fd/local-socket.js';
export { checkMaxLineLength, DEFAULT_MAX_LINE_LENGTH } from './stream/reader-options.js';
export { bytesAhead } from './stream/reader.js';
export { lossOfMemory } from './stream/loss-of-memory.js';
export { flushAll, flushAllBlocking, unflushed, type Unflushed } from './stream/unflushed.js';
