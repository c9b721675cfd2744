// Writes the declarations of the package in this directory, twice:
// - types/, complete: the packages of this workspace are compiled against it. It is not published.
// - dist/, for users: the exports of index.ts and the types that they name, without `@internal` names. A class whose
//   constructor is internal cannot be made with `new`.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';

const root = process.cwd();
const source = join(root, 'src');
const index = join(source, 'index.ts');
const published = join(root, 'dist');
const whole = join(root, 'types');

const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: (diagnostic) => fail(show([diagnostic])) };
const config = ts.getParsedCommandLineOfConfigFile(join(root, 'tsconfig.json'), undefined, host);
const files = config.fileNames.filter((file) => file.startsWith(`${source}/`));
const options = {
  ...config.options,
  noEmit: false,
  declaration: true,
  declarationMap: true,
  emitDeclarationOnly: true,
  rootDir: source,
};

rmSync(whole, { recursive: true, force: true });
const program = ts.createProgram(files, { ...options, outDir: whole });
const { diagnostics } = program.emit();
const problems = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
if (problems.length > 0) fail(show(problems));

// These are the same sources, which were checked above.
const stripped = { ...options, outDir: published, stripInternal: true, noCheck: true };
const stripping = ts.createProgram(files, stripped, undefined, program);
const checker = stripping.getTypeChecker();
/** The names of the classes that others extend. */
const bases = new Set(
  files
    .flatMap((file) => stripping.getSourceFile(file).statements)
    .flatMap(({ heritageClauses = [] }) => heritageClauses)
    .filter(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)
    .flatMap(({ types }) => types.map(({ expression }) => expression.getText())),
);
/** The statements of each file, by its path, without what is internal. */
const statementsOf = new Map();
/** The names that are published, by the file that declares them or passes them on. */
const kept = new Map();

emit(() => undefined, remember);
const exported = statementsOf
  .get(index)
  .flatMap((statement) => specifiersOf(statement).map(({ name }) => [name.text, statement.moduleSpecifier.text]));
const isExported = new Set(exported.map(([name]) => name));
for (const [name, module] of exported) keepFrom(index, module, name);
emit((path, text) => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}, selectKept);
if (files.includes(join(source, 'internal.ts'))) {
  writeFileSync(join(published, 'internal.d.ts'), '/** Promises nothing to users. */\nexport {};\n');
}

function emit(write, transform) {
  const isWritten = (file) => file === index || kept.has(file);
  stripping.emit(
    undefined,
    (path, text, mark, onError, sources) => {
      if (sources.every(({ fileName }) => isWritten(fileName))) write(path, text);
    },
    undefined,
    true,
    { afterDeclarations: [hideConstructors, () => transform] },
  );
}

/**
 * Without its parameters, an internal constructor would be one that anyone may call. It becomes private, or
 * protected if other classes extend it.
 */
function hideConstructors(context) {
  const { factory } = context;
  const visit = (node) => {
    if (!ts.isClassDeclaration(node)) return node;
    const constructor = constructorOf(ts.getOriginalNode(node));
    if (constructor === undefined || !isInternal(constructor)) return node;
    const visibility = factory.createModifier(
      bases.has(node.name.text) ? ts.SyntaxKind.ProtectedKeyword : ts.SyntaxKind.PrivateKeyword,
    );
    const { modifiers, name, typeParameters, heritageClauses, members } = node;
    return factory.updateClassDeclaration(node, modifiers, name, typeParameters, heritageClauses, [
      factory.createConstructorDeclaration([visibility], [], undefined),
      ...members,
    ]);
  };
  return (file) => ts.visitEachChild(file, visit, context);
}

/** The constructor of a class, its own or the one that it inherits; undefined if there is none. */
function constructorOf({ symbol }) {
  const [signature] = checker.getSignaturesOfType(checker.getTypeOfSymbol(symbol), ts.SignatureKind.Construct);
  const declaration = signature?.declaration;
  return declaration !== undefined && ts.isConstructorDeclaration(declaration) ? declaration : undefined;
}

function isInternal(node) {
  return ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'internal');
}

function remember(file) {
  statementsOf.set(file.fileName, file.statements);
  return file;
}

/** Keeps a name of another file, and the names in its declarations. */
function keepFrom(file, module, name) {
  if (module.startsWith('.')) keep(resolve(dirname(file), module.replace(/[.]js$/, '.ts')), name);
}

function keep(file, name) {
  const names = kept.get(file) ?? new Set();
  if (names.has(name)) return;
  kept.set(file, names.add(name));
  for (const statement of statementsOf.get(file)) {
    const specifier = specifiersOf(statement).find((candidate) => candidate.name.text === name);
    if (specifier !== undefined && statement.moduleSpecifier !== undefined) {
      keepFrom(file, statement.moduleSpecifier.text, (specifier.propertyName ?? specifier.name).text);
    } else if (declaredIn(statement).includes(name)) {
      if (!isExported.has(name)) fail(`src/index.ts must export ${name} of ${file}: a public signature names it`);
      keepNamed(file, statement);
    }
  }
}

/** Keeps all names in a node. */
function keepNamed(file, node) {
  if (ts.isIdentifier(node)) keep(file, node.text);
  if (ts.isImportTypeNode(node)) {
    let name = node.qualifier;
    while (ts.isQualifiedName(name)) name = name.left;
    keepFrom(file, node.argument.literal.text, name.text);
  }
  const isMember = ts.isClassElement(node) || ts.isTypeElement(node) || ts.isParameter(node);
  ts.forEachChild(node, (child) => {
    // A member's name is no reference, unless it is computed.
    if (!(isMember && child === node.name && ts.isIdentifier(child))) keepNamed(file, child);
  });
}

/** The names that a file imports or passes on by this statement. */
function specifiersOf(statement) {
  const named = statement.importClause?.namedBindings ?? statement.exportClause;
  return named?.elements ?? [];
}

function declaredIn(statement) {
  const declarations = ts.isVariableStatement(statement) ? statement.declarationList.declarations : [statement];
  return declarations.flatMap(({ name }) => (name === undefined ? [] : [name.text]));
}

function selectKept(file) {
  const names = kept.get(file.fileName);
  if (names === undefined) return file;
  const isKept = (name) => names.has(name);
  const { factory } = ts;
  const statements = file.statements.flatMap((statement) => {
    const specifiers = specifiersOf(statement).filter(({ name }) => isKept(name.text));
    if (ts.isImportDeclaration(statement)) {
      if (specifiers.length === 0) return [];
      const { modifiers, importClause, moduleSpecifier, attributes } = statement;
      const bindings = factory.updateNamedImports(importClause.namedBindings, specifiers);
      const clause = factory.updateImportClause(importClause, importClause.phaseModifier, importClause.name, bindings);
      return [factory.updateImportDeclaration(statement, modifiers, clause, moduleSpecifier, attributes)];
    }
    if (ts.isExportDeclaration(statement)) {
      const { modifiers, isTypeOnly, exportClause, moduleSpecifier, attributes } = statement;
      const clause = factory.updateNamedExports(exportClause, specifiers);
      return [factory.updateExportDeclaration(statement, modifiers, isTypeOnly, clause, moduleSpecifier, attributes)];
    }
    return declaredIn(statement).some(isKept) ? [statement] : [];
  });
  return factory.updateSourceFile(file, statements);
}

function show(diagnostics) {
  return ts.formatDiagnosticsWithColorAndContext(diagnostics, {
    getCurrentDirectory: () => root,
    getCanonicalFileName: (name) => name,
    getNewLine: () => '\n',
  });
}

function fail(why) {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}
