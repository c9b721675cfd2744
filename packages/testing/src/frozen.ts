const PROTOTYPES = `
const made = [[], {}, new Map(), new Set(), new WeakMap(), new WeakSet(), new Uint8Array(), new DataView(new ArrayBuffer(1)),
  new Date(), /x/, Promise.resolve(), Symbol(), '', 0, 0n, true, () => {}, async () => {}, function* () {},
  async function* () {}, (function* () {})(), (async function* () {})(), [].values(), new Map().values(),
  ...[Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((Class) => new Class())];
for (const value of made) {
  for (let proto = Object.getPrototypeOf(value); proto !== null; proto = Object.getPrototypeOf(proto)) {
    Object.freeze(proto);
    const { constructor } = proto;
    if (typeof constructor === 'function') Object.freeze(constructor);
  }
}
for (const namespace of [JSON, Math, Reflect, Atomics]) Object.freeze(namespace);`;

/**
 * The ways to freeze what JavaScript brings along, as options of Node. Without `--frozen-intrinsics`, a frozen property of
 * a prototype cannot be shadowed by an assignment.
 */
export const frozenIntrinsics: readonly { readonly how: string; readonly execArgv: readonly string[] }[] = [
  { how: 'by --frozen-intrinsics', execArgv: ['--no-warnings', '--frozen-intrinsics'] },
  { how: 'by Object.freeze()', execArgv: ['--import', `data:text/javascript,${encodeURIComponent(PROTOTYPES)}`] },
];
