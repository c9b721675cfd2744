/** What happens next: a binary heap of times. */
export class Agenda<Event> {
  readonly #times: number[] = [];
  readonly #events: Event[] = [];

  get size(): number {
    return this.#times.length;
  }

  add(time: number, event: Event): void {
    const times = this.#times;
    const events = this.#events;
    let place = times.length;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if ((times[parent] as number) <= time) break;
      times[place] = times[parent] as number;
      events[place] = events[parent] as Event;
      place = parent;
    }
    times[place] = time;
    events[place] = event;
  }

  /** Takes the earliest event. The agenda must not be empty. */
  next(): { readonly time: number; readonly event: Event } {
    const times = this.#times;
    const events = this.#events;
    const first = { time: times[0] as number, event: events[0] as Event };
    const time = times.pop() as number;
    const event = events.pop() as Event;
    if (times.length === 0) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= times.length) break;
      if (child + 1 < times.length && (times[child + 1] as number) < (times[child] as number)) child++;
      if ((times[child] as number) >= time) break;
      times[place] = times[child] as number;
      events[place] = events[child] as Event;
      place = child;
    }
    times[place] = time;
    events[place] = event;
    return first;
  }
}
