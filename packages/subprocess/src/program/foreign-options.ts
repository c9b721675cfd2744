import { instead } from '@aiopipe/core/internal';

/** What a program has in place of options of `node:child_process` and execa. */
export const FOREIGN_OPTIONS = {
  ...instead(['uid', 'gid', 'groups', 'umask'], 'write limits: { * }'),
  stdio: 'write stdin, stdout and stderr',
  shell: "start a shell as a program: ['sh', '-c', script]",
};
