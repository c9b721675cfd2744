import { type SpawnedProgram } from '@aiopipe/core/internal';

const daemons = new Set<SpawnedProgram>();
let isListening = false;

/** At this process's exit they are told, before their lifeline is cut. */
export function terminateAtExit(program: SpawnedProgram): void {
  daemons.add(program);
  void program.exited.then(() => daemons.delete(program));
  if (isListening) return;
  isListening = true;
  process.on('exit', () => {
    for (const daemon of daemons) daemon.killGroup('SIGTERM');
  });
}
