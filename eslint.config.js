import js from '@eslint/js';
import tseslint from 'typescript-eslint';

// The layers, from the ground up. A layer may import those that its row names, by package name, and nothing else of ours.
const layers = {
  core: [],
  codec: ['core'],
  process: ['core', 'codec'],
  subprocess: ['core'],
  nats: ['core', 'codec', 'process'],
  testing: [],
};

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
        regex: `^@aiopipe/(?!(${[...allowed, '-'].join('|')})(/|$))`,
        message: `Imports go down the layers only; here: ${allowed.map((name) => `@aiopipe/${name}`).join(', ') || 'none'}.`,
      },
      {
        regex: mayUseInternal ? '^@aiopipe/[^/]+/(?!internal$)' : '^@aiopipe/[^/]+/',
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
  'no-restricted-syntax': [
    'error',
    {
      selector: 'ImportDeclaration[source.value=/^node:(timers|perf_hooks)/]',
      message: 'Tests replace what it has: use that of core.',
    },
    {
      selector:
        ':matches(PropertyDefinition, MethodDefinition[kind!="constructor"], TSParameterProperty)[accessibility="private"]',
      message: 'Private members are #private: others cannot reach them at run time either. It costs nothing.',
    },
  ],
  'no-restricted-properties': [
    'error',
    { object: 'process', property: 'nextTick', message: 'Tests replace it: use nextTick of core.' },
    { object: 'process', property: 'hrtime', message: 'Tests replace it: use now() of core.' },
    { object: 'performance', property: 'now', message: 'Tests replace it: use now() of core.' },
    { object: 'Date', property: 'now', message: 'Tests replace it: use wallClock() of core.' },
  ],
};

export default tseslint.config(
  {
    ignores: ['**/dist/**', '**/build/**', '**/.turbo/**', '**/.fixtures/**', '**/node_modules/**'],
  },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        Buffer: 'readonly',
        setTimeout: 'readonly',
        AbortController: 'readonly',
      },
    },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-invalid-void-type': 'off',
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
  ...Object.entries(layers).map(([name, allowed]) => ({
    files: [`packages/${name}/src/**/*.ts`],
    rules: { 'no-restricted-imports': importRules(allowed, true, timeless.includes(name)) },
  })),
  {
    files: ['packages/inspector/src/**/*.ts', 'packages/opentelemetry/src/**/*.ts'],
    rules: { 'no-restricted-imports': importRules(aboveLayers, false) },
  },
  {
    // What a browser has.
    files: ['packages/inspector/page/**/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'clearTimeout',
          'document',
          'EventSource',
          'fetch',
          'getComputedStyle',
          'matchMedia',
          'performance',
          'ResizeObserver',
          'setInterval',
          'window',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
  { files: timeless.map((name) => `packages/${name}/src/**/*.ts`), rules: takenRules },
  {
    files: ['apps/*/src/**/*.ts', 'bench/src/**/*.ts'],
    rules: { 'no-restricted-imports': importRules([...aboveLayers, 'nats'], false) },
  },
  {
    // Hostile peers send what no public function sends.
    files: ['torture/src/**/*.ts'],
    rules: { 'no-restricted-imports': importRules([...aboveLayers, 'testing'], true) },
  },
  { files: ['**/*.mjs', 'bench/**', 'torture/**', 'apps/**', 'examples/**'], rules: { 'no-console': 'off' } },
);
