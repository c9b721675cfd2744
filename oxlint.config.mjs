import { defineConfig } from 'oxlint';

// The layers, from the ground up. A layer may import those that its row names, by package name, and nothing else of ours.
const layers = {
  core: [],
  codec: ['core'],
  process: ['core', 'codec'],
  subprocess: ['core'],
  nats: ['core', 'codec', 'process'],
  testing: [],
};
// Those that any of them could be named by.
const packages = [...Object.keys(layers), 'inspector', 'opentelemetry'];

// What the packages above all layers may import: the public entry of each of them.
const aboveLayers = ['core', 'codec', 'process', 'subprocess', 'nats'];

// The packages that take what tests replace from core alone.
const timeless = ['core', 'codec', 'process', 'subprocess'];

const importRules = (allowed, mayUseInternal, isTimeless = false) => [
  'error',
  {
    paths: isTimeless
      ? ['node:timers', 'node:timers/promises', 'node:perf_hooks'].map((name) => ({
          name,
          message: 'Tests replace it: use what @aiopipe/core/internal has (in core: wait/saved-globals.js).',
        }))
      : [],
    patterns: [
      {
        group: packages.filter((name) => !allowed.includes(name)).map((name) => `@aiopipe/${name}{,/**}`),
        message: `Imports go down the layers only; here: ${allowed.map((name) => `@aiopipe/${name}`).join(', ') || 'none'}.`,
      },
      {
        group: ['@aiopipe/*/**', ...(mayUseInternal ? ['!@aiopipe/*/internal'] : [])],
        message: mayUseInternal ? 'Only the public entry and /internal.' : 'Use the public entry.',
      },
      { regex: '(^|/)\\.\\./([^/]+/)*(packages|apps|src)/', message: 'Another package is imported by its name.' },
      { regex: '^\\.\\./\\.\\./', message: 'Another package is imported by its name.' },
    ],
  },
];

// What tests replace (fake timers). `core/src/wait/saved-globals.ts` takes it once, when it is loaded; all others import it from there.
const taken = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'];
const takenRules = {
  'no-restricted-globals': [
    'error',
    ...[...taken, 'queueMicrotask', 'performance'].map((name) => ({
      name,
      message: 'Tests replace it: import it from @aiopipe/core/internal (in core: wait/saved-globals.js).',
    })),
  ],
  'no-restricted-properties': [
    'error',
    { object: 'process', property: 'nextTick', message: 'Tests replace it: use nextTick of core.' },
    { object: 'process', property: 'hrtime', message: 'Tests replace it: use now() of core.' },
    { object: 'performance', property: 'now', message: 'Tests replace it: use now() of core.' },
    { object: 'Date', property: 'now', message: 'Tests replace it: use wallClock() of core.' },
  ],
  'eslint-js/no-restricted-syntax': [
    'error',
    {
      selector:
        ':matches(PropertyDefinition, MethodDefinition[kind!="constructor"], TSParameterProperty)[accessibility="private"]',
      message: 'Private members are #private: others cannot reach them at run time either. It costs nothing.',
    },
  ],
};

const all = (...names) => Object.fromEntries(names.map((name) => [name, 'error']));

export default defineConfig({
  ignorePatterns: ['**/dist/**', '**/build/**', '**/.turbo/**', '**/.fixtures/**', 'docs/reference/**'],
  plugins: ['typescript', 'oxc'],
  // For the one rule of ESLint that oxlint has no own version of.
  jsPlugins: [{ name: 'eslint-js', specifier: 'oxlint-plugin-eslint' }],
  categories: { correctness: 'error' },
  options: { denyWarnings: true, reportUnusedDisableDirectives: 'error' },
  rules: {
    'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    ...all(
      'eqeqeq',
      'no-array-constructor',
      'no-case-declarations',
      'no-console',
      'no-constant-condition',
      'no-empty',
      'no-fallthrough',
      'no-prototype-builtins',
      'no-regex-spaces',
      'no-unexpected-multiline',
      'no-useless-constructor',
      'no-var',
      'prefer-const',
      'prefer-rest-params',
      'prefer-spread',
      'preserve-caught-error',
    ),
    'typescript/ban-ts-comment': ['error', { minimumDescriptionLength: 10 }],
    'typescript/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
    ...all(
      'typescript/no-dynamic-delete',
      'typescript/no-empty-object-type',
      'typescript/no-explicit-any',
      'typescript/no-extraneous-class',
      'typescript/no-namespace',
      'typescript/no-non-null-asserted-nullish-coalescing',
      'typescript/no-non-null-assertion',
      'typescript/no-require-imports',
      'typescript/no-unsafe-function-type',
      'typescript/prefer-literal-enum-member',
      'typescript/unified-signatures',
    ),
  },
  overrides: [
    ...Object.entries(layers).map(([name, allowed]) => ({
      files: [`packages/${name}/src/**/*.ts`],
      rules: { 'no-restricted-imports': importRules(allowed, true, timeless.includes(name)) },
    })),
    {
      files: ['packages/inspector/src/**/*.ts', 'packages/opentelemetry/src/**/*.ts'],
      rules: { 'no-restricted-imports': importRules(aboveLayers, false) },
    },
    { files: timeless.map((name) => `packages/${name}/src/**/*.ts`), rules: takenRules },
    {
      files: ['apps/*/src/**/*.ts', 'bench/src/**/*.ts'],
      rules: { 'no-restricted-imports': importRules([...aboveLayers, 'inspector'], false) },
    },
    {
      // Hostile peers send what no public function sends.
      files: ['torture/src/**/*.ts'],
      rules: { 'no-restricted-imports': importRules([...aboveLayers, 'testing'], true) },
    },
    { files: ['**/*.mjs', 'bench/**', 'torture/**', 'apps/**', 'examples/**'], rules: { 'no-console': 'off' } },
  ],
});
