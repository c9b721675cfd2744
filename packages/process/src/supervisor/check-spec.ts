import {
  checkCount,
  checkFlag,
  checkGivenInterval,
  checkInterval,
  checkMilliseconds,
  checkName,
  checkOptions as checkNames,
  instead,
  optionNames,
  show,
} from '@aiopipe/core/internal';
import { checkOptionsAt, IN_OPTIONS } from '../start/options.js';
import { checkTarget } from '../target/target.js';
import { type Backoff } from './backoff.js';
import {
  type AnyChildSpec,
  type AnySpec,
  type AutoShutdown,
  type ChildSpecFields,
  type PartitionedSpec,
  type Restart,
  type Strategy,
  type SupervisorOptions,
  type SupervisorSpec,
} from './spec.js';

type Fields = ChildSpecFields<readonly unknown[]>;

const OPTIONS = { strategy: true, intensity: true, period: true, backoff: true, autoShutdown: true } as const;
/** Names that OTP, and other supervisors, have for the restart intensity. */
const INTENSITY_ELSEWHERE = {
  ...instead(['maxRestarts', 'maxR', 'retries'], 'write intensity: how many restarts within period'),
  ...instead(['maxSeconds', 'maxT'], 'write period, in milliseconds'),
};
const SUPERVISOR_OPTIONS = optionNames<SupervisorOptions>(OPTIONS, {
  ...INTENSITY_ELSEWHERE,
  ...instead(['restart', 'shutdown', 'ready', 'heartbeat', 'options'], 'a child has it: { id, target, * }'),
});
const BACKOFF = optionNames<Backoff>({ initial: true, factor: true, max: true, jitter: true });
const READY = optionNames<NonNullable<Fields['ready']>>({ timeout: true });
const HEARTBEAT = optionNames<NonNullable<Fields['heartbeat']>>({ interval: true, deadline: true });
const COMMON = { id: true, type: true, restart: true, significant: true } as const;
const PROCESS = { target: true, args: true, shutdown: true, ready: true, heartbeat: true, options: true } as const;
const SUPERVISOR_SPEC = optionNames<SupervisorSpec>(
  { ...COMMON, children: true, ...OPTIONS },
  {
    ...INTENSITY_ELSEWHERE,
    ...instead(Object.keys(IN_OPTIONS), 'its children have it: children: [{ id, target, options: { * } }]'),
    ...instead(Object.keys(PROCESS), 'its children have it: children: [{ id, target, * }]'),
    restartDelay: 'write backoff',
  },
);
const CHILD_ELSEWHERE = {
  ...IN_OPTIONS,
  ...instead(['grace', 'killTimeout'], 'write shutdown'),
  start: 'write target and args',
  timeout: 'write ready: { timeout } for its start, or shutdown for its end',
};
const CHILD_SPEC = optionNames<Fields>(
  { ...COMMON, ...PROCESS },
  {
    ...CHILD_ELSEWHERE,
    ...instead(
      ['maxRestarts', 'restartDelay'],
      'a supervisor has intensity and backoff: new Supervisor(children, { intensity })',
    ),
    ...instead(Object.keys(OPTIONS), 'a supervisor has it: new Supervisor(children, { * })'),
    ...instead(['instances', 'partitions'], "write type: 'partitioned' and partitions for several of one target"),
  },
);
const PARTITIONED_SPEC = optionNames<PartitionedSpec>(
  {
    id: true,
    type: true,
    restart: true,
    partitions: true,
    ...PROCESS,
    intensity: true,
    period: true,
    backoff: true,
  },
  {
    ...CHILD_ELSEWHERE,
    ...INTENSITY_ELSEWHERE,
    restartDelay: 'write backoff',
    strategy: 'each partition restarts alone',
    instances: 'write partitions',
  },
);
const RESTARTS = ['permanent', 'transient', 'temporary'] satisfies Restart[];
const STRATEGIES = ['one_for_one', 'one_for_all', 'rest_for_one'] satisfies Strategy[];
const AUTO_SHUTDOWNS = ['never', 'any_significant', 'all_significant'] satisfies AutoShutdown[];

/** Throws a TypeError unless these are the specifications and the options of a supervisor. */
export function checkSupervisor(specs: unknown, options: SupervisorOptions): void {
  checkNames(options, SUPERVISOR_OPTIONS);
  checkSpecs(specs, options, []);
}

function checkSpecs(specs: unknown, options: SupervisorOptions, parents: readonly SupervisorSpec[]): void {
  const place = parents.length === 0 ? '' : `${nameOf(parents)}.`;
  if (!Array.isArray(specs)) {
    const what = parents.length === 0 ? '' : `${place}children: `;
    throw new TypeError(`${what}expected an array of child specifications, not ${show(specs)}`);
  }
  checkOptions(options, place);
  const ids = new Set<string>();
  for (const spec of specs as readonly AnySpec[]) {
    checkSpec(spec, options.autoShutdown, parents);
    if (ids.has(spec.id)) {
      const where = parents.length === 0 ? '' : ` of ${nameOf(parents)}`;
      throw new TypeError(`two children${where} have the id ${JSON.stringify(spec.id)}`);
    }
    ids.add(spec.id);
  }
}

/** Names the last of these specifications in messages: `child "below/cache"`. */
function nameOf(path: readonly { readonly id: string }[]): string {
  return `child ${JSON.stringify(path.map(({ id }) => id).join('/'))}`;
}

/** Throws a TypeError unless it is the specification of a child, for a supervisor with this `autoShutdown`. */
export function checkSpec(
  spec: AnySpec,
  autoShutdown: AutoShutdown = 'never',
  parents: readonly SupervisorSpec[] = [],
): void {
  if (typeof spec !== 'object' || spec === null)
    throw new TypeError(`child specification: expected { id, target, … }, not ${show(spec)}`);
  const { id, type, restart = 'permanent', significant = false } = spec as AnyChildSpec;
  checkName('id', id);
  const child = nameOf([...parents, spec]);
  checkWord(`${child}.type`, type, ['worker', 'supervisor', 'partitioned']);
  checkWord(`${child}.restart`, restart, RESTARTS);
  checkFlag(`${child}.significant`, significant);
  if (significant && restart === 'permanent')
    throw new TypeError(`${child}.significant: a permanent child cannot be significant; give it another restart`);
  if (significant && autoShutdown === 'never')
    throw new TypeError(`${child}.significant: has no effect in a supervisor with autoShutdown 'never'`);
  if (spec.type === 'supervisor') {
    checkNames(spec, SUPERVISOR_SPEC, child);
    if (parents.includes(spec)) throw new TypeError(`${child}: a supervisor cannot be one of its own children`);
    checkSpecs(spec.children, spec, [...parents, spec]);
  } else if (spec.type === 'partitioned') checkPartitioned(spec, child);
  else checkProcessSpec(spec, child);
}

function checkPartitioned(spec: PartitionedSpec, child: string): void {
  checkNames(spec, PARTITIONED_SPEC, child);
  checkCount(`${child}.partitions`, spec.partitions, { least: 1, most: 1024, of: 'partitions', isNeeded: true });
  const { partitions: _, intensity, period, backoff, type: __, args, ...fields } = spec;
  checkOptions({ intensity, period, backoff }, `${child}.`);
  checkProcessSpec({ ...fields, args: typeof args === 'function' ? () => [] : args }, child);
}

function checkProcessSpec(spec: Fields, child: string): void {
  if ('children' in spec) throw new TypeError(`${child}.children: only for a supervisor; add type: 'supervisor'`);
  checkNames(spec, CHILD_SPEC, child);
  const { target, args, shutdown, ready, heartbeat, options } = spec;
  checkTarget(target, `${child}.target`);
  if (args !== undefined && typeof args !== 'function' && !Array.isArray(args))
    throw new TypeError(`${child}.args: expected an array, or a function that returns one, not ${show(args)}`);
  checkOptionsAt(`${child}.options`, options);
  checkMilliseconds(`${child}.shutdown`, shutdown);
  checkNames(ready, READY, `${child}.ready`);
  checkMilliseconds(`${child}.ready.timeout`, ready?.timeout);
  checkNames(heartbeat, HEARTBEAT, `${child}.heartbeat`);
  if (heartbeat === undefined) return;
  checkGivenInterval(`${child}.heartbeat.interval`, heartbeat.interval);
  checkGivenInterval(`${child}.heartbeat.deadline`, heartbeat.deadline);
}

/** @param place - begins the names of a nested supervisor's options in messages: `child "below".` */
function checkOptions(options: SupervisorOptions, place: string): void {
  const { strategy, intensity, period, backoff, autoShutdown } = options;
  checkWord(`${place}strategy`, strategy, STRATEGIES);
  checkWord(`${place}autoShutdown`, autoShutdown, AUTO_SHUTDOWNS);
  checkCount(`${place}intensity`, intensity);
  checkInterval(`${place}period`, period);
  if (backoff === undefined) return;
  checkNames(backoff, BACKOFF, `${place}backoff`);
  const { initial, factor, max, jitter } = backoff;
  checkGivenInterval(`${place}backoff.initial`, initial);
  checkInterval(`${place}backoff.max`, max);
  checkNumber(`${place}backoff.max`, max, `at least backoff.initial (${String(initial)})`, (value) => value >= initial);
  checkNumber(`${place}backoff.factor`, factor, 'a number, 1 or more', (value) => value >= 1);
  checkNumber(`${place}backoff.jitter`, jitter, 'a number from 0 to 1', (value) => value >= 0 && value <= 1);
}

function checkWord(name: string, value: unknown, words: readonly unknown[]): void {
  if (value === undefined || words.includes(value)) return;
  throw new TypeError(`${name}: expected ${words.map((word) => show(word)).join(' or ')}, not ${show(value)}`);
}

function checkNumber(name: string, value: unknown, expected: string, isRight: (value: number) => boolean): void {
  if (value === undefined || (typeof value === 'number' && isRight(value))) return;
  throw new TypeError(`${name}: expected ${expected}, not ${show(value)}`);
}
