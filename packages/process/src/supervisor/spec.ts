import { checkOptions as checkNames, checkText, optionNames, show } from '@aiopipe/core/internal';
import { checkOptionsAt, type ProcessOptions } from '../start/options.js';
import { isTarget, type Target } from '../target/target.js';

/** When a child is started again: always; only after it ended by a failure; never. OTP's words and meaning. */
export type Restart = 'permanent' | 'transient' | 'temporary';

/**
 * Who is restarted with a child that ended: nobody; all of its siblings; those that were started after it. They are shut
 * down from right to left, and then all are started from left to right. OTP's words and meaning: also one that had
 * ended before, or was terminated, is started then; a temporary one never is.
 */
export type Strategy = 'one_for_one' | 'one_for_all' | 'rest_for_one';

/**
 * Whether a supervisor stops when significant children have ended by themselves and are not restarted: never; with the
 * first; with the last. OTP's words and meaning.
 */
export type AutoShutdown = 'never' | 'any_significant' | 'all_significant';

/** What a child process of a supervisor is. */
export interface ChildSpec<Args extends readonly unknown[] = readonly unknown[]> {
  /** Unique in its supervisor. */
  readonly id: string;
  readonly type?: 'worker' | undefined;
  readonly target: Target<Args>;
  /**
   * Or a function that makes them anew for every start: handles move, so each start needs its own. It is called right
   * before the start, when all children on the left of this one run, so children can share what such functions make.
   */
  readonly args?: Args | (() => Args) | undefined;
  /** `permanent` unless given. */
  readonly restart?: Restart | undefined;
  /** Whether its end counts for the supervisor's `autoShutdown`. Not for a permanent child: it has no end. */
  readonly significant?: boolean | undefined;
  /**
   * Milliseconds that it gets between SIGTERM and SIGKILL when it is shut down. 5000 unless given; 0 is SIGKILL at once
   * (OTP's `brutal_kill`), and with Infinity it gets as long as it takes.
   */
  readonly shutdown?: number | undefined;
  /**
   * It counts as started only when it has called `ready()`: the next child is started then. If that takes longer than
   * `timeout` milliseconds (no limit unless given), it is shut down, and its start has failed.
   */
  readonly ready?: { readonly timeout?: number | undefined } | undefined;
  /**
   * It is asked for a sign of life every `interval` milliseconds, from when its function has been called (or, with
   * `ready`, it is ready); if its event loop has not answered `deadline` milliseconds later, it is killed by SIGKILL,
   * which is a failure like any other.
   */
  readonly heartbeat?: { readonly interval: number; readonly deadline: number } | undefined;
  /** How the process is started. */
  readonly options?: ProcessOptions | undefined;
}

/**
 * A supervisor as the child of another one: it is started, restarted and stopped with its whole tree. That it gives up
 * is a failure of this child; that it stops itself (`autoShutdown`) is an end without one. It takes as long to shut down as
 * its children do.
 */
export interface SupervisorSpec extends SupervisorOptions {
  /** Unique in its supervisor. */
  readonly id: string;
  readonly type: 'supervisor';
  readonly children: readonly AnyChildSpec[];
  /** `permanent` unless given. */
  readonly restart?: Restart | undefined;
  /** As a {@link ChildSpec}'s. */
  readonly significant?: boolean | undefined;
}

/** Of any target: each spec is checked against its own where it is written as a {@link ChildSpec}. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- no other type is above all tuples of arguments
export type AnyChildSpec = ChildSpec<any> | SupervisorSpec;

/**
 * How long a supervisor waits before a restart. The first wait is `initial` milliseconds; each further one for the same child
 * is `factor` times as long, up to `max`, until the child has run for the supervisor's `period` without a break.
 */
export interface Backoff {
  /** Milliseconds. */
  readonly initial: number;
  /** 2 unless given. */
  readonly factor?: number | undefined;
  /** Milliseconds. 30000 unless given. */
  readonly max?: number | undefined;
  /** The share of a wait that is left to chance, from 0 to 1: with 0.5 it takes from half of it to all of it. 0.5 unless given. */
  readonly jitter?: number | undefined;
}

/** What a supervisor does. */
export interface SupervisorOptions {
  /** `one_for_one` unless given. */
  readonly strategy?: Strategy | undefined;
  /** As many restarts as this within `period` are borne; at one more the supervisor gives up. 1 unless given. */
  readonly intensity?: number | undefined;
  /** Milliseconds. 5000 unless given. */
  readonly period?: number | undefined;
  /** Restarts are immediate unless given. Each still counts for `intensity` when it is decided, not when the wait is over. */
  readonly backoff?: Backoff | undefined;
  /** `never` unless given. */
  readonly autoShutdown?: AutoShutdown | undefined;
}

const OPTIONS = { strategy: true, intensity: true, period: true, backoff: true, autoShutdown: true } as const;
const SUPERVISOR_OPTIONS = optionNames<SupervisorOptions>(OPTIONS);
const BACKOFF = optionNames<Backoff>({ initial: true, factor: true, max: true, jitter: true });
const READY = optionNames<NonNullable<ChildSpec['ready']>>({ timeout: true });
const HEARTBEAT = optionNames<NonNullable<ChildSpec['heartbeat']>>({ interval: true, deadline: true });
const SPEC = { id: true, type: true, restart: true, significant: true } as const;
const SUPERVISOR_SPEC = optionNames<SupervisorSpec>({ ...SPEC, ...OPTIONS, children: true });
const CHILD_SPEC = optionNames<ChildSpec>({
  ...SPEC,
  target: true,
  args: true,
  shutdown: true,
  ready: true,
  heartbeat: true,
  options: true,
});

const STRATEGIES: readonly unknown[] = ['one_for_one', 'one_for_all', 'rest_for_one'] satisfies Strategy[];
const RESTARTS: readonly unknown[] = ['permanent', 'transient', 'temporary'] satisfies Restart[];
const AUTO_SHUTDOWNS: readonly unknown[] = ['never', 'any_significant', 'all_significant'] satisfies AutoShutdown[];

/** Throws a TypeError that says what is wrong with them, if anything is. */
function checkOptions(options: SupervisorOptions): void {
  const { strategy, intensity, period, backoff, autoShutdown } = options;
  checkWord('strategy', strategy, STRATEGIES);
  checkWord('autoShutdown', autoShutdown, AUTO_SHUTDOWNS);
  if (intensity !== undefined && !(Number.isInteger(intensity) && intensity >= 0))
    throw new TypeError(`intensity: expected a whole number of restarts, not ${show(intensity)}`);
  checkNumber('period', period, isAboveZero, 'milliseconds above 0');
  if (backoff === undefined) return;
  checkNames(backoff, BACKOFF, 'backoff');
  const { initial, factor, max, jitter } = backoff;
  checkNumber('backoff.initial', initial, isAboveZero, 'milliseconds above 0', false);
  checkNumber('backoff.factor', factor, (value) => value >= 1, 'a number from 1');
  checkNumber('backoff.max', max, isAboveZero, 'milliseconds above 0');
  checkNumber('backoff.jitter', jitter, (value) => value >= 0 && value <= 1, 'a number from 0 to 1');
}

/** Throws a TypeError that says what is wrong with it, if anything is. */
export function checkSpec(spec: AnyChildSpec, autoShutdown: AutoShutdown): void {
  checkObject('child spec', spec, '{ id, target, … }');
  const { id, type, restart = 'permanent', significant = false } = spec;
  if (typeof id !== 'string' || id === '') throw new TypeError(`id: expected a name, not ${show(id)}`);
  checkText('id', id);
  const at = (field: string) => `child ${JSON.stringify(id)}: ${field}`;
  checkWord(at('type'), type, ['worker', 'supervisor']);
  checkWord(at('restart'), restart, RESTARTS);
  if (significant && restart === 'permanent')
    throw new TypeError(`${at('significant')}: a permanent child can't be; give it another restart`);
  if (significant && autoShutdown === 'never')
    throw new TypeError(`${at('significant')}: means nothing to a supervisor with autoShutdown 'never'`);
  if (spec.type === 'supervisor') {
    checkNames(spec, SUPERVISOR_SPEC, `child ${JSON.stringify(id)}`);
    checkSpecs(spec.children, spec);
    return;
  }
  checkNames(spec, CHILD_SPEC, `child ${JSON.stringify(id)}`);
  const { target, args, shutdown, ready, heartbeat, options } = spec;
  if (!isTarget(target)) throw new TypeError(`${at('target')}: expected a target(), not ${show(target)}`);
  if (args !== undefined && typeof args !== 'function' && !Array.isArray(args))
    throw new TypeError(`${at('args')}: expected an array, or a function that makes one, not ${show(args)}`);
  checkOptionsAt(at('options'), options);
  checkNames(ready, READY, at('ready'));
  checkNames(heartbeat, HEARTBEAT, at('heartbeat'));
  checkNumber(at('shutdown'), shutdown, (value) => value >= 0, 'milliseconds');
  checkNumber(at('ready.timeout'), ready?.timeout, (value) => value >= 0, 'milliseconds');
  if (heartbeat === undefined) return;
  checkNumber(at('heartbeat.interval'), heartbeat.interval, isAboveZero, 'milliseconds above 0', false);
  checkNumber(at('heartbeat.deadline'), heartbeat.deadline, isAboveZero, 'milliseconds above 0', false);
}

/** Throws a TypeError for an option that no supervisor has. */
export function checkSupervisorOptions(options: SupervisorOptions): void {
  checkNames(options, SUPERVISOR_OPTIONS);
}

/** All of a supervisor's. */
export function checkSpecs(specs: readonly AnyChildSpec[], options: SupervisorOptions): void {
  if (!Array.isArray(specs)) throw new TypeError(`expected an array of child specs, not ${show(specs)}`);
  checkOptions(options);
  const ids = new Set<string>();
  for (const spec of specs as readonly AnyChildSpec[]) {
    checkSpec(spec, options.autoShutdown ?? 'never');
    if (ids.has(spec.id)) throw new TypeError(`two children are called ${JSON.stringify(spec.id)}`);
    ids.add(spec.id);
  }
}

function checkObject(name: string, value: unknown, expected: string): void {
  if (typeof value === 'object' && value !== null) return;
  throw new TypeError(`${name}: expected ${expected}, not ${show(value)}`);
}

function checkWord(name: string, value: unknown, words: readonly unknown[]): void {
  if (value === undefined || words.includes(value)) return;
  throw new TypeError(`${name}: expected ${words.map((word) => `'${String(word)}'`).join(' or ')}, not ${show(value)}`);
}

const isAboveZero = (value: number): boolean => value > 0;

function checkNumber(
  name: string,
  value: unknown,
  isRight: (value: number) => boolean,
  expected: string,
  isOptional = true,
): void {
  if (value === undefined ? isOptional : typeof value === 'number' && isRight(value)) return;
  throw new TypeError(`${name}: expected ${expected}, not ${show(value)}`);
}
