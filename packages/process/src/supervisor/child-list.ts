import { BusyError } from '@aiopipe/core';
import { nearestName } from '@aiopipe/core/internal';
import { SupervisorError } from '../errors.js';
import { Child } from './child.js';
import { type ChildCount } from './interface.js';
import { type AnyChildSpec } from './spec.js';

/** Ids that a message lists. */
const MOST_SHOWN = 50;
/** Characters of an unknown id that a message repeats. */
const LONGEST = 80;

/** The children of a supervisor, from left to right. */
export class ChildList {
  readonly #children = new Map<string, Child>();

  get fromLeft(): Child[] {
    return [...this.#children.values()];
  }

  get fromRight(): Child[] {
    return this.fromLeft.reverse();
  }

  /** Throws if there is a child of that id. */
  add(spec: AnyChildSpec): Child {
    const present = this.#children.get(spec.id);
    if (present !== undefined) {
      const remedy =
        present.state === 'stopped'
          ? 'call restartChild(), or deleteChild() first'
          : 'choose another id, or terminateChild() and deleteChild() it first';
      throw idError(
        `the supervisor already has a child ${JSON.stringify(spec.id)}, which is ${present.state}; ${remedy}`,
      );
    }
    // A copy, so that the rules use the checked values.
    const child = new Child({ ...spec });
    this.#children.set(spec.id, child);
    return child;
  }

  delete(child: Child): void {
    this.#children.delete(child.spec.id);
  }

  /** Throws if there is none. */
  get(id: string): Child {
    const child = this.find(id);
    if (child !== undefined) return child;
    // A child may ask for any name, so a message costs little, however long the name and however many the children.
    const ids = [...this.#children.keys()].slice(0, MOST_SHOWN);
    const shown = id.length > LONGEST ? `${id.slice(0, LONGEST)}…` : id;
    const nearest = nearestName(id, ids);
    const hint = nearest === undefined ? '' : `; did you mean ${JSON.stringify(nearest)}?`;
    const all = `${ids.join(', ') || 'none'}${this.#children.size > MOST_SHOWN ? ', …' : ''}`;
    throw idError(`the supervisor has no child ${JSON.stringify(shown)} (its children: ${all})${hint}`);
  }

  find(id: string): Child | undefined {
    return this.#children.get(id);
  }

  /** Throws if there is none, if it runs, or if it is about to run. */
  getStopped(id: string): Child {
    const child = this.get(id);
    if (child.state === 'stopped') return child;
    throw new BusyError(`child ${JSON.stringify(id)} is ${child.state}: call terminateChild() first`);
  }

  count(): ChildCount {
    const all = this.fromLeft;
    const supervisors = all.filter(({ spec }) => spec.type === 'supervisor').length;
    return {
      specs: all.length,
      active: all.filter(({ life }) => life !== undefined).length,
      supervisors,
      workers: all.length - supervisors,
    };
  }
}

export function idError(message: string): SupervisorError {
  return new SupervisorError('ERR_AIOPIPE_CHILD_ID', message);
}
