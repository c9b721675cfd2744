// gcc's analyzer and clang-tidy over the binding's sources.
import { missing, run } from '../children.mjs';
import { native, options, sources } from './binding.mjs';

const findings = (output) => output.split('\n').filter((line) => /: (warning|error): /.test(line));

export async function gccAnalyzer() {
  const lack = missing('gcc') ?? (options() === undefined ? "Node's headers" : undefined);
  if (lack !== undefined) return { lack };
  const words = ['gcc', '-fanalyzer', '-Wall', '-Wextra', '-O2', ...options(), '-c', '-o', '/dev/null'];
  const outputs = [];
  for (const source of sources) outputs.push(await run([...words, source], { cwd: native }));
  const found = outputs.flatMap(({ output }) => findings(output));
  return {
    did: `${sources.length} files`,
    found,
    failed: outputs.filter(({ end }) => end !== 0).map(({ output }) => output),
  };
}

export async function clangTidy() {
  const lack = missing('clang-tidy') ?? (options() === undefined ? "Node's headers" : undefined);
  if (lack !== undefined) return { lack };
  const { end, output } = await run(['clang-tidy', '--quiet', ...sources, '--', '-O2', ...options()], { cwd: native });
  const found = findings(output);
  return { did: `${sources.length} files`, found, failed: end === 0 || found.length > 0 ? [] : [output] };
}
