/** Time that passes as fast as it likes: real time, and as much more as was waited. */
export class Clock {
  #ahead = 0;

  /** Milliseconds since 1970. */
  now(): number {
    return Date.now() + this.#ahead;
  }

  wait(seconds: number): void {
    this.#ahead += seconds * 1000;
  }

  /** Lets time pass until then; never back. */
  goTo(time: number): void {
    this.#ahead += Math.max(0, time - this.now());
  }
}
