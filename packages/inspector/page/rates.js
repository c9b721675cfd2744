// What grew between two snapshots, per second.

/** @typedef {import('../src/snapshot/types.js').Snapshot} Snapshot */

export class Rates {
  /** @type {Snapshot | undefined} */
  #before;
  /** @type {Snapshot | undefined} */
  #now;
  /** @type {Map<string, Record<string, any>>} */
  #old = new Map();

  /** @param {Snapshot} snapshot */
  take(snapshot) {
    this.#before = this.#now;
    this.#now = snapshot;
    this.#old = new Map(this.#before && entries(this.#before));
  }

  /** The seconds between the two last snapshots; 0 at the first one. */
  get seconds() {
    return this.#now === undefined || this.#before === undefined ? 0 : (this.#now.time - this.#before.time) / 1000;
  }

  /**
   * How fast a count of an entry grows; undefined if that is not known. An entry that is new has grown from 0.
   *
   * @template {object} Entry
   * @param {string} key - the kind of the entry, and what tells it from others
   * @param {Entry} entry
   * @param {keyof Entry & string} count
   * @returns {number | undefined}
   */
  of(key, entry, count) {
    const { seconds } = this;
    const value = /** @type {number | undefined} */ (entry[count]);
    if (seconds <= 0 || value === undefined) return undefined;
    const old = this.#old.get(key)?.[count] ?? 0;
    return Math.max(value - old, 0) / seconds;
  }
}

/**
 * @param {{ pid: number, startedAt: number }} entry
 */
export const processKey = ({ pid }) => `process ${pid}`;

/**
 * @param {{ number: number }} cluster
 * @param {{ target: string, version: string }} pool
 */
export const clusterPoolKey = (cluster, { target, version }) => `cluster pool ${cluster.number} ${target} ${version}`;

/**
 * @param {Snapshot} snapshot
 * @returns {Generator<[string, object]>}
 */
function* entries({ program, processes, pools, channels, chains, clusters }) {
  yield ['program', { ...program, ...program.eventLoop }];
  for (const process of processes) yield [processKey(process), process];
  for (const pool of pools) yield [`pool ${pool.number}`, pool];
  for (const channel of channels) yield [`channel ${channel.number}`, channel];
  for (const cluster of clusters) {
    for (const pool of cluster.pools) yield [clusterPoolKey(cluster, pool), pool];
  }
  for (const { number, stages } of chains) {
    for (const [index, stage] of stages.entries()) yield [`stage ${number} ${index}`, stage];
  }
}
