import { join, relative } from 'node:path';
import { examplesIn, type ReadmeExample } from '@aiopipe/testing';
import ts from 'typescript';
import { packages } from '../.vitepress/pages.js';
import { docs } from './pages.js';

/** A name that a package exports, with what its doc comment has for readers who look for an example. */
export interface PublicName {
  readonly packageName: string;
  readonly name: string;
  /** `value` for a function, a class or a constant, which programs call; `type` for what they only name. */
  readonly kind: 'value' | 'type';
  /** The path of its file in the repository. */
  readonly file: string;
  /** The examples of the comment, with their lines in the file. */
  readonly examples: readonly ReadmeExample[];
  /** The name that the comment's `@see the example of {@link Name}` links to. */
  readonly see: string | undefined;
  /** What a program that uses a type has in it: the names of its properties, or the strings that it stands for. */
  readonly words: readonly string[];
}

const root = join(docs, '..');

/** The public names of all packages. A name that a package only passes on is that of the package which declares it. */
export function publicNames(): PublicName[] {
  const entries = packages.map((name) => join(root, 'packages', name, 'src/index.ts'));
  const config = ts.readConfigFile(join(root, 'tsconfig.docs.json'), (path) => ts.sys.readFile(path)).config as object;
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: entries, include: [] }, ts.sys, root);
  // The names and their comments need no types of Node.js, and to read those takes most of the time.
  const program = ts.createProgram(entries, { ...options, noLib: true, types: [] });
  const checker = program.getTypeChecker();
  return packages.flatMap((packageName, index) => {
    const entry = checker.getSymbolAtLocation(program.getSourceFile(entries[index] as string) as ts.SourceFile);
    return checker
      .getExportsOfModule(entry as ts.Symbol)
      .map((symbol) => ({ name: symbol.name, declared: declarationOf(checker, symbol) }))
      .filter(({ declared }) => fileOf(declared).startsWith(`packages/${packageName}/`))
      .map(({ name, declared }) => describeName(checker, packageName, name, declared));
  });
}

function declarationOf(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

const declarationsOf = ({ declarations = [] }: ts.Symbol) => declarations;
const fileOf = (symbol: ts.Symbol) => relative(root, declarationsOf(symbol)[0]?.getSourceFile().fileName ?? '');

function describeName(checker: ts.TypeChecker, packageName: string, name: string, declared: ts.Symbol): PublicName {
  const isValue = (declared.flags & ts.SymbolFlags.Value) !== 0;
  // Of a function with overloads, the comments of all belong to its name.
  const comments = declarationsOf(declared)
    .map(documentOf)
    .filter((comment) => comment !== undefined);
  return {
    packageName,
    name,
    kind: isValue ? 'value' : 'type',
    file: fileOf(declared),
    examples: comments.flatMap((comment) => examplesIn(comment)),
    see: /^@see the example of \{@link ([\w$]+)\}$/m.exec(comments.join('\n'))?.[1],
    words: isValue ? [] : wordsOf(checker, checker.getDeclaredTypeOfSymbol(declared)),
  };
}

/** The text of a declaration's doc comment, in the lines that it has in its file. */
function documentOf(declaration: ts.Declaration): string | undefined {
  const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  const comment = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc).at(-1);
  if (comment === undefined) return undefined;
  const source = comment.getSourceFile();
  const { line } = source.getLineAndCharacterOfPosition(comment.pos);
  const text = source.text.slice(comment.pos, comment.end);
  return '\n'.repeat(line) + text.replace(/\*\/$/, '').replace(/^(\/\*\*| \*) ?/gm, '');
}

function wordsOf(checker: ts.TypeChecker, type: ts.Type): string[] {
  const strings = type.isUnion() ? type.types.filter((part) => part.isStringLiteral()) : [];
  const properties = checker.getPropertiesOfType(type).map(({ name }) => name);
  return [...strings.map(({ value }) => value), ...properties].filter((word) => !word.startsWith('__@'));
}
