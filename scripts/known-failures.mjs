// Tests that fail on Bun or on Deno for a reason that lies in the runtime. `npm run test:runtimes` runs them all the same, and prints them, but
// does not fail because of them. It also names each test of this list that passes: remove that test here.

/** By runtime: the reasons, each with the whole names of its tests, by file. A file that cannot be run has the test `the file itself`. */
const KNOWN_FAILURES = {
  bun: [
    {
      reason: 'Bun opens descriptors of its own: sockets for spawnSync(), and another one for standard output',
      tests: {
        'packages/codec/test/moving/memory.test.ts': [
          'a worker thread is a place like any other',
          'killed receivers and senders leave no memory behind',
        ],
        'packages/codec/test/moving/shared-description.test.ts': ['the file itself'],
        'packages/core/test/fd/any-arguments.test.ts': [
          'wrong arguments crash nothing and leave nothing open or running, by seed 1',
          'wrong arguments crash nothing and leave nothing open or running, by seed 2',
          'wrong arguments crash nothing and leave nothing open or running, by seed 3',
        ],
        'packages/core/test/fd/description.test.ts': ['the file itself'],
        'packages/core/test/fd/native.test.ts': [
          'starts programs, and guards them, where newer system calls give ENOSYS',
          'starts programs, and guards them, where newer system calls give EPERM',
        ],
        'packages/core/test/fd/shared-descriptor.test.ts': ['the file itself'],
        'packages/core/test/fd/worker-end.test.ts': [
          'a worker thread leaves, however it ends, no descriptor but the one that it released, and no zombie',
          'a worker thread that is stopped at any moment while it closes descriptors leaves none open',
        ],
        'packages/core/test/memory/shared-memory.test.ts': [
          'shared memory of a worker thread is unmapped with it, however it ends',
          'shared memory a refusal of the system throws SystemError, and leaves nothing',
        ],
        'packages/core/test/program/search.test.ts': ['the file itself'],
      },
    },
    {
      reason: 'process.cwd() of Bun returns a folder that was removed',
      tests: {
        'packages/codec/test/rendezvous/arguments.test.ts': [
          'a relative path after the working directory was removed is refused, with what to do',
        ],
      },
    },
    {
      reason: 'not looked into yet',
      tests: {
        'packages/codec/test/serializer/round-trip.test.ts': [
          'built-in objects regular expressions with flags and lastIndex',
        ],
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
      reason: 'the test runs npm, node-gyp or V8 with its options',
      tests: {
        'packages/codec/test/serializer/memory-limits.test.ts': [
          'limits.memory is half of the heap by default: a message that would end the process is a DecodeError',
        ],
        'packages/core/test/packaging.test.ts': [
          'the package has what loads the binding, what builds it, and nothing that was built in passing',
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
      reason: 'console.log() of Bun prints objects in more lines',
      tests: {
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
  ],
  deno: [
    {
      reason:
        'Deno opens a socket pair of its own with the first program that it starts, or the first signal that is listened for',
      tests: {
        'packages/codec/test/channel/channel.test.ts': ['the file itself'],
        'packages/codec/test/channel/close.test.ts': ['the file itself'],
        'packages/codec/test/channel/json.test.ts': ['the file itself'],
        'packages/codec/test/channel/loop.test.ts': ['the file itself'],
        'packages/codec/test/channel/spin.test.ts': ['the file itself'],
        'packages/codec/test/channel/turns.test.ts': ['the file itself'],
        'packages/codec/test/channel/waiting.test.ts': ['the file itself'],
        'packages/codec/test/frozen-intrinsics.test.ts': ['the file itself'],
        'packages/codec/test/moving/hostile.test.ts': ['the file itself'],
        'packages/codec/test/moving/memory.test.ts': [
          'shared memory in a message that no receiver takes is closed and unmapped',
        ],
        'packages/codec/test/moving/passing.test.ts': ['the file itself'],
        'packages/codec/test/moving/processes.test.ts': ['the file itself'],
        'packages/codec/test/options.test.ts': ['the file itself'],
        'packages/codec/test/python.test.ts': ['the file itself'],
        'packages/codec/test/rendezvous/many.test.ts': ['1,000 clients at once are all served, with a backlog of 511'],
        'packages/codec/test/rendezvous/rendezvous.test.ts': ['the file itself'],
        'packages/codec/test/rendezvous/stale.test.ts': [
          'A stale file of a thread that was terminated is replaced, and its descriptors are closed',
          'A stale file is replaced beside the lock file that a killed listener left',
        ],
        'packages/codec/test/rendezvous/strangers.test.ts': ['the file itself'],
        'packages/codec/test/rpc/hostile.test.ts': ['the file itself'],
        'packages/codec/test/rpc/model.test.ts': ['the file itself'],
        'packages/codec/test/rpc/processes.test.ts': ['the file itself'],
        'packages/codec/test/rpc/streams.test.ts': ['the file itself'],
      },
    },
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
      reason:
        "a thread that terminate() ends says 'exit' before its environment has ended; and Deno opens a socket pair of its own",
      tests: {
        'packages/codec/test/moving/memory.test.ts': [
          'a worker thread is a place like any other',
          'killed receivers and senders leave no memory behind',
        ],
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
      reason: 'not looked into yet',
      tests: {
        'packages/codec/test/channel/validate.test.ts': [
          'a schema that takes its time keeps the order of messages and gets',
        ],
        'packages/codec/test/fake-timers.test.ts': ['messages flow while the timers are replaced (node:test)'],
        'packages/codec/test/wire-format.test.ts': ['Buffer.from("ab") is a1 19 02 61 62'],
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
