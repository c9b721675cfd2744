// Tests that fail on Bun or on Deno for a reason that lies in the runtime. `npm run test:runtimes` runs them all the same, and prints them, but
// does not fail because of them. It also names each test of this list that passes: remove that test here.

/** By runtime: the reasons, each with the whole names of its tests, by file. A file that cannot be run has the test `the file itself`. */
const KNOWN_FAILURES = {
  bun: [
    {
      reason: 'process.cwd() of Bun returns a folder that was removed',
      tests: {
        'packages/codec/test/rendezvous/arguments.test.ts': [
          'a relative path after the working directory was removed is refused, with what to do',
        ],
      },
    },
    {
      // assert.deepStrictEqual(/(?:)/, new RegExp(''))
      reason: 'assert.deepStrictEqual() of Bun finds an empty pattern and its copy unequal',
      tests: {
        'packages/codec/test/serializer/round-trip.test.ts': [
          'built-in objects regular expressions with flags and lastIndex',
        ],
      },
    },
    {
      reason: 'Bun ends without the destructors of libraries: the one that the test preloads prints its counts there',
      tests: {
        'packages/core/test/storm.test.ts': ['calls that signals interrupt go on, and lose nothing'],
      },
    },
    {
      reason:
        'the collector of JavaScriptCore takes what looks like a pointer on the stack for one, so it may keep what was dropped',
      tests: {
        'packages/codec/test/channel/loop.test.ts': [
          'a channel that is dropped without close is closed by the collector, with one warning for each line that made ends',
        ],
        'packages/codec/test/rendezvous/rendezvous.test.ts': [
          'A hub that is dropped is closed by the collector, with its path and a warning',
        ],
        'packages/core/test/fd/collector.test.ts': [
          'ends that are dropped in a worker thread are closed there, with a warning',
          'dropped ends are closed, also if the program makes call sites of all stacks',
        ],
        'packages/subprocess/test/chain/awaited.test.ts': [
          'a chain that is never run has a warning when it is collected',
        ],
        'packages/core/test/memory/shared-memory.test.ts': [
          'shared memory that is dropped is collected, with one warning that names where it was made',
        ],
      },
    },
    {
      reason:
        'Bun collects at the end of a program and of a thread: what was dropped is closed then, and its peer hears of it',
      tests: {
        'packages/codec/test/channel/spin.test.ts': [
          'a worker thread that is terminated while it spins ends no other thread',
        ],
        'packages/core/test/fd/descriptor.test.ts': [
          'what a poll handle that is active with data to read does not crash an exit: natural',
        ],
        'packages/core/test/fd/worker-end.test.ts': [
          'a worker thread leaves, however it ends, no descriptor but the one that it released, and no zombie',
        ],
      },
    },
    {
      reason:
        'JavaScriptCore makes tail calls: a function that only returns a call is in no stack, so all warnings come from one line',
      tests: {
        'packages/codec/test/rendezvous/strangers.test.ts': [
          '`allow` that throws what cannot be shown refuses, and one warning tells',
          '`allow` that returns a promise of true refuses, and one warning tells',
          '`allow` that returns a promise that rejects refuses, and one warning tells',
          '`allow` that returns a value that is true to a condition refuses, and one warning tells',
          '`allow` that returns nothing refuses, and one warning tells',
        ],
      },
    },
    {
      reason: 'the classes of Bun for http.Server, and for the sockets of HTTP, are no net.Server and no net.Socket',
      tests: {
        'packages/codec/test/moving/servers.test.ts': [
          'a listening server is shared an http.Server arrives as one, with its timeouts and without its listeners',
          'a server keeps its limits, and takes no setting that Node.js would refuse later',
        ],
        'packages/codec/test/moving/sockets.test.ts': [
          'a connected socket moves with the head of an upgrade',
          'a socket that cannot move says why, and stays as it is while HTTP reads from it',
        ],
      },
    },
    {
      reason: 'process.memoryUsage().external of Bun does not count what a binding reports',
      tests: {
        'packages/core/test/memory/shared-memory.test.ts': [
          'shared memory counts as external memory while it is mapped',
        ],
      },
    },
    {
      reason: 'process.getActiveResourcesInfo() of Bun returns an empty list',
      tests: {
        'packages/core/test/wait/pending.test.ts': ['a wait that succeeded leaves no timer and no listener behind'],
      },
    },
    {
      reason: 'standard output of a child is no net.Socket in Bun',
      tests: {
        'packages/core/test/file/async-file-source.test.ts': [
          'of a net.Socket of a child’s stdout takes what it prints',
        ],
      },
    },
    {
      reason: 'the test runs node-gyp, or V8 with its options',
      tests: {
        'packages/codec/test/serializer/memory-limits.test.ts': [
          'limits.memory is half of the heap by default: a message that would end the process is a DecodeError',
        ],
        'packages/core/test/packaging.test.ts': [
          'an installed package is compiled if no prebuilt binary fits, and then works',
          'a build without make and Python needs no more than the compiler',
          'a build that fails in the compiler shows what it said, and no stack trace',
        ],
      },
    },
    {
      reason: 'Bun keeps no pool of memory for small Buffers, so a Buffer is encoded as a view of a whole ArrayBuffer',
      tests: {
        'packages/codec/test/wire-format.test.ts': ['Buffer.from("ab") is a1 19 02 61 62'],
      },
    },
    {
      reason: 'console.log() of Bun prints objects in more lines, and strings in them in double quotes',
      tests: {
        'packages/subprocess/test/readme.test.ts': [
          'the example at line 15 of the README prints what the README says',
          'the example at line 57 of the README prints what the README says',
          'the example at line 79 of the README prints what the README says',
        ],
        'packages/codec/test/readme.test.ts': [
          'the example at line 25 of the README prints what the README says',
          'the example at line 49 of the README prints what the README says',
        ],
      },
    },
    {
      reason: 'URL of Bun is printed in another way',
      tests: {
        'packages/codec/test/rendezvous/arguments.test.ts': [
          'A path that no socket can have is refused by both calls, with the reason a URL',
        ],
      },
    },
    {
      reason: 'V8 is not there',
      tests: {
        'packages/codec/test/serializer/key-collisions.test.ts': [
          'V8 puts the integers that the guard counts into one bucket',
        ],
      },
    },
    {
      reason: 'assert.deepStrictEqual() of Bun finds equal Maps with two boxed keys unequal',
      tests: {
        'packages/codec/test/serializer/oracle.test.ts': [
          'any value arrives as it was',
          'any value arrives as v8.serialize would bring it',
        ],
      },
    },
    {
      reason: 'Bun has a name for the classes Blob and AbortSignal that Node.js does not show',
      tests: {
        'packages/codec/test/serializer/refusals.test.ts': [
          'what cannot be sent a Blob',
          'what cannot be sent an AbortSignal',
        ],
      },
    },
    {
      reason: 'Bun ends the process when it makes a string that is too long',
      tests: {
        'packages/core/test/stream/line-limit.test.ts': ['the file itself'],
      },
    },
    {
      reason: 'node:child_process of Bun publishes nothing on node:diagnostics_channel, with which the test compares',
      tests: {
        'packages/subprocess/test/program/events.test.ts': [
          'the channels of node:child_process tell of a program that ends as they tell of Node’s own',
          'the channels of node:child_process tell of a program that is killed as they tell of Node’s own',
        ],
      },
    },
    {
      // prlimit --data=268435456 bun -e 'Buffer.alloc(2 ** 30)'
      reason: 'Bun ends itself with SIGABRT if the system refuses it memory at its start',
      tests: {
        'packages/subprocess/test/program/limits.test.ts': [
          'A program with limits that is Node gets an error for a Buffer above limits.memory, on every version',
        ],
      },
    },
    {
      // Buffer.alloc(2 ** 29).toString('latin1').length
      reason: 'strings of JavaScriptCore are up to four times as long as those of V8',
      tests: {
        'packages/subprocess/test/io/long-lines.test.ts': [
          'a line that is too long may come in one piece that no string can hold',
        ],
        'packages/subprocess/test/chain/run.test.ts': [
          'the output ends if no string could hold more, with the bytes that came until there',
        ],
      },
    },
    {
      reason: 'stacks of JavaScriptCore do not have the callers of an async function',
      tests: {
        'packages/subprocess/test/chain/failures.test.ts': [
          'a program that cannot be started rejects with the place of the call and the stages before it: await',
        ],
        'packages/process/test/pool/stacks.test.ts': [
          'the stack of the error of a task that threw has the line of the caller that awaits it',
          'the stack of the error of a task that died has the line of the caller that awaits it',
          'the stack of the error of a task whose result cannot be sent has the line of the caller that awaits it',
          'the stack of the error of a task has it behind Promise.all() and then()',
          'the stack of the error of a task of a map and of a stream has the line of the loop',
          'the error of a pool that takes no more tasks is each caller’s own, with its line, if it was closed',
          'the error of a pool that takes no more tasks is each caller’s own, with its line, if it was closed while tasks waited',
        ],
      },
    },
    {
      reason: 'new net.Socket({ fd }).end() of Bun leaves the connection of that descriptor open',
      tests: {
        'packages/process/test/control/hostile-child.test.ts': [
          'a child that closes its channel and goes on is killed after a while',
        ],
      },
    },
    {
      reason: 'Bun crashes at its start if the system has no /proc',
      tests: {
        'packages/process/test/sandbox.test.ts': ['programs, children and pools work without /proc and /dev/fd'],
        'packages/process/test/orphan/reap-orphans.test.ts': ['a system without /proc is refused'],
      },
    },
    {
      reason:
        'Bun does not tell how much of a write a full pipe has taken, so the rest cannot be written when the process exits',
      tests: {
        'packages/process/test/start/end.test.ts': [
          'all output and all messages of a child arrive, even if it ends by process.exit()',
        ],
      },
    },
    {
      // (head -c 2 <&0; bun -e 'for await (const text of process.stdin) console.log(String(text))') < file
      reason: 'Bun reads a file that is its standard input from its start, wherever its offset is',
      tests: {
        'packages/process/test/start/stdio.test.ts': [
          'stdin, stdout and stderr are what those of a program can be a FileHandle, which stays ours',
        ],
      },
    },
    {
      // bun --no-such-option -e 0
      reason: 'Bun ignores options that it does not know',
      tests: {
        'packages/process/test/start/failed-start.test.ts': [
          'a process that cannot be started says so if Node refuses its options',
        ],
        'packages/process/test/start/prefork.test.ts': ['preload with options that Node refuses rejects ready()'],
      },
    },
    {
      reason: 'Bun does not read NODE_OPTIONS',
      tests: {
        'packages/process/test/start/inherited-options.test.ts': [
          'what this program was started with is found by children elsewhere files and packages in NODE_OPTIONS',
          'what this program was started with is found by children elsewhere a name with blanks in NODE_OPTIONS',
          'what this program was started with is found by children elsewhere some in both',
        ],
      },
    },
    {
      reason: 'the test runs node with options that Bun does not have, or has with another meaning',
      tests: {
        'packages/process/test/start/inherited-options.test.ts': [
          'what this program was started with is found by children elsewhere a loader',
        ],
        'packages/process/test/start/exec-argv.test.ts': [
          'a child inherits a value that stands apart, and one of an option with a similar name',
          'a child does not inherit what is about this run of its parent',
        ],
      },
    },
    {
      reason: 'Bun has no process.moduleLoadList, and no debugger in its node:inspector until inspector.open()',
      tests: {
        'packages/process/test/child/child.test.ts': [
          'a child has loaded none of the modules of Node that take long',
          'a child has loads no code that only parents need, as a process and as a worker, if its module imports /target',
        ],
      },
    },
    {
      reason: 'Bun ends itself by abort() at the limit of processes',
      tests: {
        'packages/process/test/start/failed-start.test.ts': [
          'a process that cannot be started because there may be no more processes says so, and leaves nothing',
        ],
      },
    },
  ],
  deno: [
    {
      reason: 'Deno shows no descriptor of a net.Socket, of a server or of a dgram.Socket',
      tests: {
        'packages/codec/test/moving/servers.test.ts': [
          'a listening server is shared both accept from one queue, and each goes on after the other has closed',
          'a listening server is shared with its settings',
          'a listening server is shared an http.Server arrives as one, with its timeouts and without its listeners',
          'a listening server is shared as often as it is sent, in each message once',
          'a listening server is shared connections that come before it has a new process wait for it',
          'a bound datagram socket is shared udp4: each datagram goes to one of them, and both can answer',
          'a bound datagram socket is shared udp6: each datagram goes to one of them, and both can answer',
          'a server keeps its limits, and takes no setting that Node.js would refuse later',
        ],
        'packages/codec/test/moving/sockets.test.ts': [
          'a connected socket moves with the bytes that it had read, before those that come later',
          'a connected socket moves through several hands, while its bytes go on coming: none is lost or repeated',
          'a connected socket moves and is destroyed here, while its connection lives on there',
          'a connected socket moves as an object of its own class, with its mode of ending',
          'a connected socket moves after it has ended its own direction',
          'a connected socket moves anywhere in a message, twice in it as one object',
          'a connected socket moves with the head of an upgrade',
          'a socket that cannot move says why, and stays as it is while HTTP reads from it',
          'a socket whose read bytes this runtime hides is refused, and no descriptor is left',
          'a socket that no receiver takes is closed, and its client hears of it',
          'listeners that throw or send a message in the middle of a move change nothing',
          'a socket that arrived and is reset does not end a program that does not know of it',
        ],
        'packages/codec/test/moving/wrong-descriptors.test.ts': [
          'a ReadEnd over a descriptor of another kind is refused, and nothing leaks',
          'a WriteEnd over a descriptor of another kind is refused, and nothing leaks',
          'a DuplexEnd over a descriptor of another kind is refused, and nothing leaks',
          'a PipeReader over a descriptor of another kind is refused, and nothing leaks',
          'a PipeWriter over a descriptor of another kind is refused, and nothing leaks',
          'a DuplexStream over a descriptor of another kind is refused, and nothing leaks',
          'a ChannelReader over a descriptor of another kind is refused, and nothing leaks',
          'a ChannelWriter over a descriptor of another kind is refused, and nothing leaks',
          'a Channel over a descriptor of another kind is refused, and nothing leaks',
          'a SharedMemory over a descriptor of another kind is refused, and nothing leaks',
        ],
      },
    },
    {
      reason: "a thread that terminate() ends says 'exit' before its environment has ended",
      tests: {
        'packages/codec/test/moving/threads.test.ts': [
          'handles that a worker thread received are closed with it, however far it got with them',
        ],
      },
    },
    {
      reason: 'the test runs V8 or node with options that Deno does not have',
      tests: {
        'packages/codec/test/moving/servers.test.ts': ['a process that sends other things does not load node:net'],
        'packages/codec/test/rendezvous/arguments.test.ts': [
          'a relative path after the working directory was removed is refused, with what to do',
        ],
      },
    },
    {
      reason: 'structuredClone() of Deno throws another error for a buffer that cannot be transferred',
      tests: {
        'packages/codec/test/channel/large.test.ts': [
          'bytes that share memory with others take nothing of them along when they are transferred to another thread',
        ],
      },
    },
    {
      // import { setTimeout } from 'node:timers'; mock.timers.enable(); setTimeout(() => console.log('called'), 10);
      reason: 'after mock.timers.enable() of Deno, timers that were taken before it stand still, too',
      tests: {
        'packages/subprocess/test/fake-timers.test.ts': ['chains run while the timers are replaced (node:test)'],
        'packages/codec/test/fake-timers.test.ts': ['messages flow while the timers are replaced (node:test)'],
      },
    },
    {
      // Buffer.from(Buffer.from('ab')).buffer.byteLength is 2
      reason:
        'Deno copies a Buffer to memory outside of the pool, so the copy is encoded as a view of a whole ArrayBuffer',
      tests: {
        'packages/codec/test/wire-format.test.ts': ['Buffer.from("ab") is a1 19 02 61 62'],
      },
    },
    {
      reason: 'console.log() of Deno prints strings in double quotes',
      tests: {
        'packages/subprocess/test/readme.test.ts': [
          'the example at line 15 of the README prints what the README says',
          'the example at line 57 of the README prints what the README says',
          'the example at line 79 of the README prints what the README says',
        ],
      },
    },
    {
      reason: 'import.meta.resolve() does not work in the modules of Vitest on Deno',
      tests: {
        'packages/subprocess/test/program/other-copy.test.ts': [
          'a program of another copy of the package is refused by AsyncPipe, which says why',
          'a pipeline of another copy of the package is refused as a stage, which says why',
        ],
      },
    },
    {
      // const stream = new ReadableStream(); stream.getReader(); try { stream.getReader() } catch (error) { console.log(error.code) }
      reason: 'errors of the web streams of Deno have no code',
      tests: {
        'packages/subprocess/test/chain/failures.test.ts': [
          'an input that cannot be read of a program: a web stream that is locked gives a PipelineError that names the input',
          'an input that cannot be read of a function: a web stream that is locked gives a PipelineError that names the stage',
        ],
      },
    },
    {
      // fs.writeFileSync(Buffer.from([255, 65]), '')
      reason: 'node:fs of Deno makes no files whose names are not UTF-8',
      tests: {
        'packages/subprocess/test/chain/lines.test.ts': [
          'records that end in NUL carry any file name, as bytes or as latin1',
        ],
      },
    },
    {
      reason: 'Deno does not tell a program its options, so children do not inherit them',
      tests: {
        'packages/subprocess/test/chain/in-child.test.ts': [
          'a function in a child gets what this process was given to load modules',
        ],
      },
    },
    {
      reason: 'Deno shows no descriptor of a net.Socket, so AsyncFile refuses it',
      tests: {
        'packages/core/test/file/async-file-source.test.ts': [
          'of a net.Socket goes on where the socket was: what it had buffered comes first',
          'of a net.Socket leaves an object that says where its connection went',
          'of a net.Socket no longer tells its listeners what comes',
          'of a net.Socket that has ended gives what it had buffered, then the end, and can still answer',
          'of a net.Socket that has bytes to write is refused, unless one waits',
          'of a net.Socket that is connecting is waited for',
          'of a net.Socket that ended its own side is waited for, and read to its end',
          'of a net.Socket that is reset by its peer is ECONNRESET for a reader, and a broken pipe for a writer',
          'a client writes a file, the server reads lines: both sums agree',
          'of a net.Socket loses nothing, whenever in a stream it is taken over (1)',
          'of a net.Socket loses nothing, whenever in a stream it is taken over (2)',
          'of a net.Socket loses nothing, whenever in a stream it is taken over (3)',
          'of a net.Socket loses nothing, whenever in a stream it is taken over (4)',
          'of a net.Socket loses nothing, whenever in a stream it is taken over (5)',
        ],
        'packages/core/test/stream/contract.test.ts': [
          'AsyncFiles on a TCP connection read gives the bytes in order, at least one and at most as many as asked for',
          'AsyncFiles on a TCP connection read waits for the first byte',
          'AsyncFiles on a TCP connection a large write and a reader of small pieces agree',
          'AsyncFiles on a TCP connection writes of many sizes arrive in their order',
          'AsyncFiles on a TCP connection a write of nothing is nothing, and not the end',
          'AsyncFiles on a TCP connection a part of a larger array is written alone',
          'AsyncFiles on a TCP connection what was read is not written to by later reads',
          'AsyncFiles on a TCP connection the end comes after all bytes, and again at each later read',
          'AsyncFiles on a TCP connection a read that waits hears of the end',
          'AsyncFiles on a TCP connection disposal of the sink is the end, with nothing lost',
          'AsyncFiles on a TCP connection a source that is closed breaks the writes',
          'AsyncFiles on a TCP connection calls on what is closed are refused, and disposal is not',
          'AsyncFiles on a TCP connection a second read while one waits is refused, and takes nothing',
          'AsyncFiles on a TCP connection close while a read waits is refused, and the read goes on',
          'AsyncFiles on a TCP connection disposal while a read waits ends it',
          'AsyncFiles on a TCP connection a read that timed out or was aborted has lost nothing',
          'AsyncFiles on a TCP connection a signal that is aborted already takes and writes nothing',
          'AsyncFiles on a TCP connection a signal and a timeout that were not needed leave nothing behind',
          'AsyncFiles on a TCP connection a clogged write waits for the reader, then all arrives in order',
          'AsyncFiles on a TCP connection a clogged write ends at its timeout',
          'AsyncFiles on a TCP connection a clogged write ends when it is aborted',
          'AsyncFiles on a TCP connection a clogged write hears that the source was closed',
          'AsyncFiles on a TCP connection what was written before is read to the end though the sink was closed long ago',
        ],
      },
    },
    {
      reason: 'node:fs of Deno takes no descriptor that Deno has not opened: the fixture reads or writes one',
      tests: {
        'packages/core/test/fd/native.test.ts': [
          'starts programs, and guards them, where newer system calls give ENOSYS',
          'starts programs, and guards them, where newer system calls give EPERM',
          'the lifeline ends a busy process when its other end closes (group: inherit)',
          'the lifeline ends a busy process when its other end closes (group: own)',
        ],
      },
    },
    {
      reason: 'process.stdin of Deno leaves the mode of the descriptor as it is',
      tests: {
        'packages/subprocess/test/program/lent-fds.test.ts': [
          'a program that inherits a stdin which we read gets one that blocks and a pipe stays as it is for us',
          'a program that inherits a stdin which we read gets one that blocks and a socket is as before when the last of such programs has ended',
        ],
      },
    },
    {
      // const derived = Object.create(process.env); derived.HOME = undefined; console.log(Object.hasOwn(derived, 'HOME'))
      reason: 'process.env of Deno takes what is set on an object that inherits from it',
      tests: {
        'packages/subprocess/test/environment.test.ts': ['an environment has inherited names, as in Node'],
      },
    },
    {
      reason: 'the test runs node with options that Deno does not have',
      tests: {
        'packages/subprocess/test/program/limits.test.ts': [
          'A program with limits that is Node gets an error for a Buffer above limits.memory, on every version',
          'A program with limits that is Node gets EFBIG',
        ],
        'packages/subprocess/test/sandbox.test.ts': [
          'docs/sandbox.md the example at line 85 prints what the page says',
        ],
      },
    },
    {
      reason: 'Deno starts its children with the signals 32 and 33 ignored, and glibc lets no program change that',
      tests: {
        'packages/core/test/fd/native.test.ts': ['ignores SIGPIPE, and lets children have it'],
      },
    },
  ],
};

/** Tells known failures from others. */
export class KnownFailures {
  #entries;

  /** @param runtime - its name; one without known failures is all right */
  constructor(runtime) {
    this.#entries = (KNOWN_FAILURES[runtime] ?? []).flatMap(({ reason, tests }) =>
      Object.entries(tests).flatMap(([file, names]) => names.map((test) => ({ file, test, reason }))),
    );
  }

  /** Returns the reason why this test is known to fail; undefined if it is not. */
  reasonOf({ file, test }) {
    return this.#entries.find((entry) => entry.file === file && entry.test === test)?.reason;
  }

  /** Returns the known failures among the tests that passed in these files. */
  passedIn(files) {
    const passed = new Map(
      files.map(({ name, assertionResults: tests }) => [
        name,
        tests.filter(({ status }) => status === 'passed').map(({ fullName }) => fullName),
      ]),
    );
    return this.#entries.filter(({ file, test }) => passed.get(file)?.includes(test));
  }
}
