// Sends each message back, in a process that has only process.send().
process.on('message', (message) => {
  process.send?.(message);
});
