// What a process answers that has nothing but process.send().
process.on('message', (message) => {
  process.send?.(message);
});
