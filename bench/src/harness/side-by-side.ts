import { machineLine } from './machine.js';
import { save, savedResults } from './results.js';
import { sideBySideTable } from './table.js';

/** `docs/charts/node-<major>.md`: the parts that have run on the usual Node and on that one, with both ratios. */
export async function publishSideBySide(node: number, parts: readonly string[]): Promise<void> {
  const sections: string[] = [];
  for (const part of parts) {
    const [usual, other] = await Promise.all([savedResults(part, undefined), savedResults(part, node)]);
    if (usual === undefined || other === undefined) continue;
    const runs = [usual, other].map(({ machine }) => `${machine.date.slice(0, 10)}, ${machineLine(machine)}`);
    sections.push(`## ${usual.title}`, runs.map((run) => `- ${run}`).join('\n'), sideBySideTable(usual, other));
  }
  const lines = [
    `# Node ${String(node)} beside the oldest that is supported`,
    `\`npm run bench -- --node ${String(node)} --publish\` wrote this, from the last runs on both. [How to read it](../performance.md).`,
    ...sections,
  ];
  await save(`docs/charts/node-${String(node)}.md`, lines.join('\n\n'));
}
