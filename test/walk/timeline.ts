/**
 * Simulated time, and what happens in it. Processes sleep until their hour comes; those that are awake at the same moment take
 * turns at every request to the bucket, in an order that the seed decides. So months pass in a second, and two steps that race
 * do so again under the same seed.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Seeded } from './seeded.ts';

const RealDate = globalThis.Date;

/** Who is at work, and what its clock says. */
export interface Worker {
  readonly name: string;
  /** Milliseconds by which its clock is ahead of the true time; negative when it is behind. */
  readonly skew: number;
}

const NOBODY: Worker = { name: 'nobody', skew: 0 };

interface Sleeper {
  readonly at: number;
  readonly order: number;
  readonly wake: () => void;
}

interface Waiting {
  readonly name: string;
  readonly go: () => void;
}

/** How likely it is that whoever was served last is served again: two requests in a row are what a race is lost by. */
const AGAIN = 0.7;

/** What one request takes: so that no two things happen at the same instant, and a listing is older than its end. */
const REQUEST_MILLISECONDS = 20;

export class Timeline {
  readonly problems: unknown[] = [];
  #now: number;
  #active = 0;
  #order = 0;
  #sleepers: Sleeper[] = [];
  #waiting: Waiting[] = [];
  #last = '';
  #quiet: (() => void) | undefined;
  readonly #random: Seeded;
  readonly #worker = new AsyncLocalStorage<Worker>();

  constructor(start: number, random: Seeded) {
    this.#now = start;
    this.#random = random;
  }

  /** The true time, in milliseconds since 1970. */
  get now(): number {
    return this.#now;
  }

  get worker(): Worker {
    return this.#worker.getStore() ?? NOBODY;
  }

  /** Whether whoever asks is one of those who live in this time. */
  get isAtWork(): boolean {
    return this.#worker.getStore() !== undefined;
  }

  as<Result>(worker: Worker, work: () => Promise<Result>): Promise<Result> {
    return this.#worker.run(worker, work);
  }

  /** Begins something that runs by itself from now on. */
  start(work: () => Promise<void>): void {
    this.#active += 1;
    void Promise.resolve()
      .then(work)
      .catch((error: unknown) => this.problems.push(error))
      .finally(() => this.#rest());
  }

  at(time: number, work: () => Promise<void>): void {
    this.start(async () => {
      await this.sleepUntil(time);
      await work();
    });
  }

  sleep(milliseconds: number): Promise<void> {
    return this.sleepUntil(this.#now + milliseconds);
  }

  sleepUntil(at: number): Promise<void> {
    this.#order += 1;
    const order = this.#order;
    return new Promise((wake) => {
      this.#sleepers.push({ at, order, wake });
      this.#rest();
    });
  }

  /** One request: it takes its time, and where others are awake too, chance says who comes first. */
  turn(): Promise<void> {
    this.#now += REQUEST_MILLISECONDS;
    if (this.#active < 2) return Promise.resolve();
    return new Promise((go) => {
      this.#waiting.push({ name: this.worker.name, go });
      if (this.#waiting.length === 1) void this.#letGo();
    });
  }

  /** By the end of a turn of the event loop, everybody who is awake stands in line. */
  async #letGo(): Promise<void> {
    while (this.#waiting.length > 0) {
      await nextTurn();
      const same = this.#waiting.filter(({ name }) => name === this.#last);
      const next = this.#random.pick(same.length > 0 && this.#random.chance(AGAIN) ? same : this.#waiting);
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#last = next.name;
      next.go();
    }
  }

  async run(until: number): Promise<void> {
    for (;;) {
      if (this.#active > 0)
        await new Promise<void>((quiet) => {
          this.#quiet = quiet;
        });
      this.#sleepers.sort((a, b) => a.at - b.at || a.order - b.order);
      const [next] = this.#sleepers;
      if (next === undefined || next.at > until) break;
      this.#now = Math.max(this.#now, next.at);
      const together = this.#sleepers.filter(({ at }) => at === next.at);
      this.#sleepers = this.#sleepers.slice(together.length);
      this.#active += together.length;
      for (const { wake } of together) wake();
    }
    this.#now = Math.max(this.#now, until);
  }

  #rest(): void {
    this.#active -= 1;
    if (this.#active > 0) return;
    this.#quiet?.();
    this.#quiet = undefined;
  }

  /** Until `restoreClock`, every clock in this process is that of whoever is at work here. */
  takeClock(): void {
    const now = (): number => Math.floor(this.#now + this.worker.skew);
    globalThis.Date = new Proxy(RealDate, {
      construct: (date, given: ConstructorParameters<typeof Date> | []) =>
        given.length === 0 ? new date(now()) : new date(...given),
      get: (date, name) => (name === 'now' ? now : Reflect.get(date, name)),
    });
  }
}

export function restoreClock(): void {
  globalThis.Date = RealDate;
}
