// The same module for both: a function for us, a program for node:child_process. It imports nothing.

interface Writer {
  put(message: string): Promise<void>;
}

export const sayHello = (writer: Writer): Promise<void> => writer.put('hello');

process.send?.('hello');
