// What a cross build can have got wrong without any error: the machine, a second libc inside, symbols that old systems lack.
import { spawnSync } from 'node:child_process';

const ENTRIES = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];
/** The minor number of 2.28. */
const NEWEST_GLIBC = 28;

/** Symbols of Node itself. */
const isOfNode = (symbol) => /^(napi|node_api|uv)_/.test(symbol);

function tool(name, ...words) {
  const { status, error, stdout } = spawnSync(name, words, { encoding: 'utf8' });
  if (error?.code === 'ENOENT') throw new Error(`${name} is not there: on Debian, apt-get install llvm`);
  if (status !== 0) throw new Error(`${name} cannot read ${words.at(-1)}`);
  return stdout;
}

function expect(path, what, found, isRight) {
  if (!isRight) throw new Error(`${path}: ${what}: ${Array.isArray(found) ? found.join(', ') || 'none' : found}`);
}

function checkHeader(path, triple, format) {
  const [, found] = /^Format: (.*)$/m.exec(tool('llvm-readobj', '--file-headers', path)) ?? [];
  expect(path, 'a file of another kind', found, found === format[triple.split('-')[0]]);
}

const libraries = (path) =>
  /NeededLibraries \[\n(.*?)^\]/ms
    .exec(tool('llvm-readobj', '--needed-libs', path))?.[1]
    ?.split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

function checkLinux(path, triple) {
  checkHeader(path, triple, { x86_64: 'elf64-x86-64', aarch64: 'elf64-littleaarch64' });
  const allowed = triple.endsWith('musl') ? /^libc\.so$/ : /^(lib(c|pthread|dl)\.so\.\d|ld-linux-.*)$/;
  const needed = libraries(path);
  expect(path, 'the libraries that it needs', needed, needed.length > 0 && needed.every((name) => allowed.test(name)));

  const symbols = [...tool('llvm-readobj', '--dyn-syms', path).matchAll(/Symbol \{\s+Name: (\S*) .*?Section: (\S+)/gs)];
  const exported = symbols.filter(([, , section]) => section !== 'Undefined').map(([, name]) => name);
  expect(
    path,
    'what it exports',
    exported,
    ENTRIES.every((entry) => exported.includes(entry)) && exported.length === 2,
  );
  if (triple.endsWith('musl')) return;
  const versions = symbols.map(([, name]) => /@GLIBC_2\.(\d+)/.exec(name)).filter((match) => match !== null);
  const tooNew = versions.filter(([, minor]) => Number(minor) > NEWEST_GLIBC).map(({ input }) => input);
  expect(path, 'symbols that old systems lack', tooNew, versions.length > 0 && tooNew.length === 0);
}

function checkMac(path, triple) {
  checkHeader(path, triple, { x86_64: 'Mach-O 64-bit x86-64', aarch64: 'Mach-O arm64' });
  // Its own name is among them.
  const needed = libraries(path).filter((name) => !path.endsWith(name));
  expect(path, 'the libraries that it needs', needed, needed.join() === '/usr/lib/libSystem.B.dylib');

  const names = (...words) => tool('llvm-nm', '-m', ...words, path).split('\n');
  const exported = names('--defined-only', '--extern-only')
    .filter((line) => / external /.test(line) && !/private external/.test(line))
    .map((line) => line.split(' ').at(-1).slice(1));
  expect(path, 'what it exports', exported, exported.sort().join() === ENTRIES.join());

  // zig has the lists of symbols of each macOS. What this one's list lacks is looked for when the library is loaded.
  const missing = names('--undefined-only')
    .filter((line) => line !== '' && !line.endsWith('(from libSystem)'))
    .map((line) => / _(\S+) \(/.exec(line)?.[1] ?? line)
    .filter((name) => !isOfNode(name));
  expect(path, 'symbols that macOS 11 lacks', missing, missing.length === 0);

  const commands = tool('llvm-objdump', '--macho', '--private-headers', path);
  expect(path, 'the macOS that it needs', /minos (\S+)/.exec(commands)?.[1], /minos 11\.0\n/.test(commands));
  // macOS on arm64 loads nothing without a signature; the one that a linker makes is enough.
  expect(path, 'a signature', 'none', triple.startsWith('x86_64') || commands.includes('LC_CODE_SIGNATURE'));
}

/** Throws if the file is not what the published package needs for this target of zig's. Uses LLVM's tools. */
export function checkPrebuilt(path, triple) {
  if (triple.includes('macos')) checkMac(path, triple);
  else checkLinux(path, triple);
}
