/** What many walks have met, added up. */
import type { Violation } from './invariants.ts';
import type { Walked } from './walk.ts';

export interface FoundViolation extends Violation {
  readonly seed: number;
  readonly again: string;
}

/** A walk that never comes here shows nothing: each has to be met in a hundred walks. */
const TO_BE_MET = [
  'backup: whole',
  'backup: fails',
  'backup: fails at once',
  'backup: object missing',
  'backup: object short',
  'backup: object damaged',
  'backup: no manifest',
  'backup: hangs',
  'backup: restarted',
  'backup: restarted after',
  'backup: row lost',
  'server restarted',
  'ClickHouse is silent',
  'storage refuses',
  'answer lost',
  'keys not deleted',
  'topic refuses',
  'function killed',
  'execution died',
  'execution redriven',
  'slot started twice',
  'slot started again',
  'start not delivered',
  'step run twice',
  'clock wrong',
  'restore begun',
  'restore reads',
  'restore died',
  'removal spared',
  'operator keeps',
  'operator unkeeps',
  'operator deletes an object',
  'operator damages a byte',
  'operator deletes a backup',
  'operator deletes a page',
  'operator changes the rules',
  'operator changes the attempts',
  'backup removed',
  'backup restored',
  'alarm due',
] as const;

/** Not faults, but what the faults were to hinder. */
const NO_FAULTS: ReadonlySet<string> = new Set([
  'backup: whole',
  'backup removed',
  'backup restored',
  'removal spared',
  'restore begun',
  'restore reads',
  'alarm due',
  'real proof: proven',
  'real proof: refuted',
]);

export class Tally {
  readonly violations: FoundViolation[] = [];
  readonly #met = new Map<string, number>();
  #runs = 0;
  #days = 0;
  #backups = 0;
  #proofs = 0;
  #requests = 0;

  add({ seed, days, backups, proofs, requests, met, violations }: Walked): void {
    this.#runs += 1;
    this.#days += days;
    this.#backups += backups;
    this.#proofs += proofs;
    this.#requests += requests;
    for (const [name, count] of met) this.#met.set(name, (this.#met.get(name) ?? 0) + count);
    const again = `SAFEHOUSE_WALK_SEED=${seed} npx vitest run test/walk`;
    for (const violation of violations) this.violations.push({ ...violation, seed, again });
  }

  addAll(other: Tally): void {
    this.#runs += other.#runs;
    this.#days += other.#days;
    this.#backups += other.#backups;
    this.#proofs += other.#proofs;
    this.#requests += other.#requests;
    for (const [name, count] of other.#met) this.#met.set(name, (this.#met.get(name) ?? 0) + count);
    this.violations.push(...other.violations);
  }

  times(name: string): number {
    return this.#met.get(name) ?? 0;
  }

  neverMet(): string[] {
    return TO_BE_MET.filter((name) => !this.#met.has(name));
  }

  /** For the page of figures. */
  figures(): [string, number][] {
    const faults = [...this.#met].filter(([name]) => !NO_FAULTS.has(name));
    return [
      ['walkRuns', this.#runs],
      ['walkDays', this.#days],
      ['walkBackups', this.#backups],
      ['walkProofs', this.#proofs],
      ['walkRestores', this.times('backup restored')],
      ['walkRemovals', this.times('backup removed')],
      ['walkFaults', faults.reduce((sum, [, count]) => sum + count, 0)],
      ['walkRequests', this.#requests],
      ['walkViolations', this.violations.length],
    ];
  }

  describe(): string {
    const met = [...this.#met]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, count]) => `${name} ${count}`);
    return `${this.figures()
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')}\n${met.join(', ')}`;
  }
}
