// Takes the messages of the program, one a second, and shows them.
import { Channels } from './channels.js';
import { Chains } from './chains.js';
import { Charts } from './charts.js';
import { Clusters } from './clusters.js';
import { find, setText, show } from './dom.js';
import { Events } from './events.js';
import { Facts } from './facts.js';
import { bytes, counted, duration, number, percent } from './format.js';
import { Pools } from './pools.js';
import { ProcessTable } from './processes.js';
import { Rates } from './rates.js';

/** @typedef {import('../src/server/message.js').PageMessage} PageMessage */

/** Milliseconds without a message after which the page says so. */
const LATE = 3000;

const rates = new Rates();
const facts = new Facts(find('#facts'));
const charts = new Charts(rates);
const events = new Events();
const parts = [
  new ProcessTable(rates),
  new Pools(rates),
  new Channels(rates),
  new Chains(rates),
  new Clusters(rates),
  charts,
];

/** When the last message came, by this page's clock. */
let heardAt = performance.now();

const source = new EventSource('./events');
source.addEventListener('message', ({ data }) => {
  heardAt = performance.now();
  update(JSON.parse(data));
});
source.addEventListener('open', () => setStatus('live', 'Live'));
source.addEventListener('error', () => {
  setStatus('lost', 'The program has ended, or it has closed the connection. This is what was seen last.');
});

setInterval(() => {
  if (source.readyState !== EventSource.OPEN) return;
  const silence = performance.now() - heardAt;
  if (silence < LATE) setStatus('live', 'Live');
  else
    setStatus('late', `No news for ${duration(silence)}: the event loop of the program is blocked, or it is stopped.`);
}, 500);

/** @param {string} state @param {string} text */
function setStatus(state, text) {
  const status = find('#status');
  status.dataset['state'] = state;
  setText(status, text);
}

/** @param {PageMessage} message */
function update({ snapshot, leftOut, events: fresh, canKill, status }) {
  const { program, processes, pools, channels, chains, clusters, time } = snapshot;
  rates.take(snapshot);
  document.body.classList.toggle('no-kill', !canKill);
  document.title = `${program.command.replace(/^node (?:.*\/)?/, '')} – aiopipe inspector`;
  setText(find('#command'), program.command);
  setText(find('#told'), status);
  show(find('#told'), status !== '');
  const used = rates.of('program', program, 'cpuTime');
  facts.update([
    ['pid', String(program.pid)],
    ['Node.js', program.nodeVersion],
    ['runs for', duration(time - program.startedAt)],
    ['CPU', percent(used === undefined ? undefined : used / 1000)],
    ['memory', bytes(program.memory)],
    ['processes below it', number(processes.length + leftOut.processes)],
  ]);
  events.add(fresh);
  for (const part of parts) part.update(snapshot);
  for (const [name, list] of Object.entries({ processes, pools, channels, chains, clusters })) {
    const left = leftOut[/** @type {keyof typeof leftOut} */ (name)];
    setText(find(`#count-${name}`), number(list.length + left));
    const note = notShown(name, leftOut);
    const place = /** @type {HTMLElement} */ (find(`#${name}`).querySelector('.left-out'));
    show(place, note !== '');
    setText(place, note);
  }
  setText(find('#count-events'), number(events.counts.events));
  setText(find('#count-failures'), number(events.counts.failures));
  find('#count-failures').classList.toggle('bad', events.counts.failures > 0);
}

/** @type {Record<string, [list: keyof PageMessage['leftOut'], one: string, many: string][]>} */
const NAMES_OF_ENTRIES = {
  processes: [
    ['processes', 'process', 'processes'],
    ['supervisors', 'supervisor', 'supervisors'],
    ['supervised', 'child of a supervisor', 'children of supervisors'],
  ],
  pools: [['pools', 'pool', 'pools']],
  channels: [['channels', 'channel', 'channels']],
  chains: [['chains', 'chain', 'chains']],
  clusters: [
    ['clusters', 'cluster', 'clusters'],
    ['machines', 'machine', 'machines'],
    ['clusterPools', 'called target', 'called targets'],
    ['targets', 'target of machines', 'targets of machines'],
  ],
};

/**
 * Says what a section lacks, because there is too much of it: 'Not shown: 12 processes, 1 supervisor.' Empty if it lacks nothing.
 *
 * @param {string} section
 * @param {PageMessage['leftOut']} leftOut
 */
function notShown(section, leftOut) {
  const entries = (NAMES_OF_ENTRIES[section] ?? []).filter(([list]) => leftOut[list] > 0);
  if (entries.length === 0) return '';
  return `Not shown: ${entries.map(([list, one, many]) => counted(leftOut[list], one, many)).join(', ')}.`;
}
