import { type DecodeLimits } from '@aiopipe/codec';
import { type Engine } from '../engine/engine.js';
import { type Leases } from '../engine/leases.js';
import { type Bodies } from '../message/bodies.js';
import { type Names } from '../names.js';
import { type DeadTask } from '../task/answers.js';
import { type ServedTargets, type ServeSettings } from './options.js';

/** What a machine needs of its cluster. */
export interface MachineParts {
  readonly engine: Engine;
  readonly bodies: Bodies;
  readonly leases: Leases;
  readonly names: Names;
  readonly limits: DecodeLimits;
  readonly targets: ServedTargets;
  readonly settings: ServeSettings;
  /** Creates the stream and the consumer of a target, if they are not there. */
  readonly ensure: (target: string) => Promise<void>;
  /** Puts a task into the dead letters. */
  readonly bury: (task: DeadTask) => Promise<void>;
  readonly onClose: () => void;
}
