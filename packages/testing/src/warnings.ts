interface Hooks {
  beforeEach(begin: () => void): unknown;
  afterEach(end: () => void): unknown;
}

/** The process warnings of the test that runs. Call it where a test file or a `describe` begins, with the runner's hooks. */
export function noteWarnings({ beforeEach, afterEach }: Hooks): readonly (Error & { readonly code?: string })[] {
  const warnings: (Error & { code?: string })[] = [];
  const note = (warning: Error) => warnings.push(warning);
  beforeEach(() => {
    warnings.length = 0;
    process.on('warning', note);
  });
  afterEach(() => {
    process.off('warning', note);
  });
  return warnings;
}
