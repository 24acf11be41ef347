/** Lets so many at a time work, the others wait in the order in which they came. */
export class Turns {
  #free: number;
  readonly #waiting: PromiseWithResolvers<void>[] = [];

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** @throws what `refuse` was told, when nobody's turn comes any more */
  async take<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free -= 1;
    else {
      const turn = Promise.withResolvers<void>();
      this.#waiting.push(turn);
      await turn.promise;
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next.resolve();
    }
  }

  /** Sends away whoever waits. */
  refuse(reason: Error): void {
    for (const turn of this.#waiting.splice(0)) turn.reject(reason);
  }
}
