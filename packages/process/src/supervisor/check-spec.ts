import {
  checkCount,
  checkFlag,
  checkInterval,
  checkMilliseconds,
  checkName,
  checkOptions as checkNames,
  instead,
  optionNames,
  show,
} from '@aiopipe/core/internal';
import { checkOptionsAt, IN_OPTIONS } from '../start/options.js';
import { isTarget } from '../target/target.js';
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
const SUPERVISOR_OPTIONS = optionNames<SupervisorOptions>(OPTIONS, {
  ...instead(['maxRestarts', 'maxR', 'retries'], 'write intensity: how many restarts within period'),
  ...instead(['maxSeconds', 'maxT'], 'write period, in milliseconds'),
  ...instead(['restart', 'shutdown', 'ready', 'heartbeat', 'options'], 'a child has it: { id, target, * }'),
});
const BACKOFF = optionNames<Backoff>({ initial: true, factor: true, max: true, jitter: true });
const READY = optionNames<NonNullable<Fields['ready']>>({ timeout: true });
const HEARTBEAT = optionNames<NonNullable<Fields['heartbeat']>>({ interval: true, deadline: true });
const COMMON = { id: true, type: true, restart: true, significant: true } as const;
const SUPERVISOR_SPEC = optionNames<SupervisorSpec>({ ...COMMON, children: true, ...OPTIONS });
const PROCESS = { target: true, args: true, shutdown: true, ready: true, heartbeat: true, options: true } as const;
const CHILD_ELSEWHERE = {
  ...IN_OPTIONS,
  ...instead(['grace', 'killTimeout'], 'write shutdown'),
  timeout: 'write ready: { timeout } for its start, or shutdown for its end',
};
const CHILD_SPEC = optionNames<Fields>(
  { ...COMMON, ...PROCESS },
  {
    ...CHILD_ELSEWHERE,
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
  CHILD_ELSEWHERE,
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
  if (!Array.isArray(specs)) throw new TypeError(`expected an array of child specifications, not ${show(specs)}`);
  checkOptions(options);
  const ids = new Set<string>();
  for (const spec of specs as readonly AnySpec[]) {
    checkSpec(spec, options.autoShutdown, parents);
    if (ids.has(spec.id)) throw new TypeError(`two children have the id ${JSON.stringify(spec.id)}`);
    ids.add(spec.id);
  }
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
  const child = `child ${JSON.stringify([...parents.map((parent) => parent.id), id].join('/'))}`;
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
  checkCount(`${child}.partitions`, spec.partitions, { least: 1, most: 1024, of: 'partitions' });
  if ((spec.partitions as unknown) === undefined)
    throw new TypeError(`${child}.partitions: expected how many there are`);
  const { partitions: _, intensity, period, backoff, type: __, args, ...fields } = spec;
  checkOptions({ intensity, period, backoff });
  checkProcessSpec({ ...fields, args: typeof args === 'function' ? () => [] : args }, child);
}

function checkProcessSpec(spec: Fields, child: string): void {
  if ('children' in spec) throw new TypeError(`${child}.children: only for a supervisor; add type: 'supervisor'`);
  checkNames(spec, CHILD_SPEC, child);
  const { target, args, shutdown, ready, heartbeat, options } = spec;
  if (!isTarget(target)) throw new TypeError(`${child}.target: expected a target(), not ${show(target)}`);
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

function checkOptions(options: SupervisorOptions): void {
  const { strategy, intensity, period, backoff, autoShutdown } = options;
  checkWord('strategy', strategy, STRATEGIES);
  checkWord('autoShutdown', autoShutdown, AUTO_SHUTDOWNS);
  checkCount('intensity', intensity);
  checkInterval('period', period);
  if (backoff === undefined) return;
  checkNames(backoff, BACKOFF, 'backoff');
  const { initial, factor, max, jitter } = backoff;
  checkGivenInterval('backoff.initial', initial);
  checkInterval('backoff.max', max);
  checkNumber('backoff.max', max, `at least backoff.initial (${String(initial)})`, (value) => value >= initial);
  checkNumber('backoff.factor', factor, 'a number, 1 or more', (value) => value >= 1);
  checkNumber('backoff.jitter', jitter, 'a number from 0 to 1', (value) => value >= 0 && value <= 1);
}

function checkGivenInterval(name: string, value: unknown): void {
  if (value === undefined) throw new TypeError(`${name}: expected milliseconds above 0, not undefined`);
  checkInterval(name, value);
}

function checkWord(name: string, value: unknown, words: readonly unknown[]): void {
  if (value === undefined || words.includes(value)) return;
  throw new TypeError(`${name}: expected ${words.map((word) => show(word)).join(' or ')}, not ${show(value)}`);
}

function checkNumber(name: string, value: unknown, expected: string, isRight: (value: number) => boolean): void {
  if (value === undefined || (typeof value === 'number' && isRight(value))) return;
  throw new TypeError(`${name}: expected ${expected}, not ${show(value)}`);
}
