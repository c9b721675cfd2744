import { popen } from '@aiopipe/subprocess';

const nodes = new URL('../../../scripts/other-nodes.mjs', import.meta.url);

/** Whether this Node has that major version. */
export const isThisNode = (major: number): boolean => Number(process.versions.node.split('.')[0]) === major;

/** Runs this program with the same arguments on the Node of that major version. Resolves with its exit code. */
export async function runOnNode(major: number): Promise<number> {
  const { nodeOf } = (await import(nodes.href)) as { nodeOf(major: number): string };
  const { exitCode } = await popen([nodeOf(major), ...process.execArgv, ...process.argv.slice(1)]).wait();
  return exitCode ?? 1;
}
