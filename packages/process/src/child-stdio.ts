const used = new Set<'stdout' | 'stderr'>();

// Asking for such a stream makes it, and a pipe non-blocking for all who share it: so it must not be asked for at the end
// by a child that never wrote to it.
for (const name of ['stdout', 'stderr'] as const) {
  const descriptor = Object.getOwnPropertyDescriptor(process, name);
  if (descriptor?.get === undefined || descriptor.configurable !== true) continue;
  const get = descriptor.get.bind(process) as () => unknown;
  Object.defineProperty(process, name, {
    ...descriptor,
    get: () => {
      used.add(name);
      return get();
    },
  });
}

/**
 * Resolves when what was written to stdout and stderr is with the kernel: to a pipe that is full, Node writes later, and
 * `process.exit()` would drop it. What failed doesn't count.
 */
export async function flushStdio(): Promise<void> {
  await Promise.all([...used].map((name) => flush(process[name])));
}

async function flush(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength === 0) return;
  stream.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    stream.write('', () => {
      resolve();
    });
  });
}
