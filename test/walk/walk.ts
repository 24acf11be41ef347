/** One walk: weeks or months of one target, out of one seed. */

import { ENVIRONMENT } from '../../core/environment.ts';
import { slotOf } from '../../core/keys.ts';
import { METRICS } from '../../core/metrics.ts';
import { largestGapHours, runsAfter } from '../../core/schedule.ts';
import { handler as publishAges } from '../../functions/watch/publish-ages.ts';
import { isSound, soundOf } from './catalogue.ts';
import {
  BackupExecution,
  type BackupInput,
  ProofExecution,
  type ProofSteps,
  RestoreExecution,
  RetentionExecution,
} from './executions.ts';
import { Invariants, type Violation } from './invariants.ts';
import type { Handler, Trouble } from './machine.ts';
import { modelProof } from './model-proof.ts';
import { Operator } from './operator.ts';
import type { RealParts } from './real-parts.ts';
import { Seeded } from './seeded.ts';
import { type Climate, climateOf } from './weather.ts';
import { World, within } from './world.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export interface Walked {
  readonly seed: number;
  readonly days: number;
  readonly backups: number;
  readonly proofs: number;
  /** Requests to the bucket. */
  readonly requests: number;
  readonly met: ReadonlyMap<string, number>;
  readonly violations: readonly Violation[];
}

export interface WalkOptions {
  /** Proofs by the real engine, of few backups. */
  readonly isProvenForReal?: boolean;
  /** How many of the backups that count as good are restored at the end by the real engine. */
  readonly restores?: number;
}

export async function walk(seed: number, real: RealParts, options: WalkOptions = {}): Promise<Walked> {
  const random = new Seeded(seed);
  const climate = climateOf(random, options.isProvenForReal === true);
  const world = new World({ ...climate, random, templates: real.templates, target: `walk-${seed}` });
  return within(world, () => new Walk(seed, world, climate, real, options).run());
}

class Walk {
  readonly #seed: number;
  readonly #world: World;
  readonly #climate: Climate;
  readonly #real: RealParts;
  readonly #options: WalkOptions;
  readonly #random: Seeded;
  readonly #invariants: Invariants;
  readonly #operator: Operator;
  readonly #slots = new Map<string, BackupExecution[]>();
  /** What the alarm promises by default: the largest gap, the time that a backup may take, and two hours. */
  readonly #staleAfterHours: number;
  #executions = 0;
  #proofs = 0;
  #lastPlan = 0;

  constructor(seed: number, world: World, climate: Climate, real: RealParts, options: WalkOptions) {
    this.#seed = seed;
    this.#world = world;
    this.#climate = climate;
    this.#real = real;
    this.#options = options;
    this.#random = world.random.fork();
    this.#invariants = new Invariants(world);
    this.#operator = new Operator(world, this.#invariants);
    const { schedule, maxHours } = world.rules;
    const expressions = [schedule.full, schedule.incremental].filter((each) => each !== undefined);
    this.#staleAfterHours = largestGapHours(expressions, schedule.timeZone, climate.start) + maxHours + 2;
  }

  async run(): Promise<Walked> {
    const { timeline, clickhouse } = this.#world;
    const { start, end } = this.#climate;
    this.#schedule();
    this.#each('restart', () => {
      this.#world.count('server restarted');
      clickhouse.restart();
    });
    this.#each('operator', () => this.#operator.act());
    this.#each('restore', () => this.#restoreOne());
    for (let day = start + 12 * HOUR; day < end; day += DAY) timeline.at(day, () => this.#proveAgain());
    const looks = Math.min(90, (end - start) / (6 * HOUR));
    for (let look = 1; look <= looks; look += 1)
      timeline.at(start + (look * (end - start)) / looks, () => this.#look());
    await timeline.run(end + 1);
    await this.#settle();
    await this.#restoreForReal();
    const gone = this.#invariants.pages.filter(({ states }) => states.has('removed')).length;
    if (gone > 0) this.#world.count('backup removed', gone);
    return {
      seed: this.#seed,
      days: Math.round((timeline.now - start) / DAY),
      backups: clickhouse.made.size,
      proofs: this.#proofs,
      requests: this.#world.storage.requests,
      met: this.#world.met,
      violations: this.#invariants.violations,
    };
  }

  // --- what is begun when ---

  #schedule(): void {
    const { start, end } = this.#climate;
    const { schedule } = this.#world.rules;
    const stops = this.#times('stop').map((from) => ({ from, to: from + this.#random.between(1, 6) * DAY }));
    for (const kind of ['full', 'incremental'] as const) {
      const expression = schedule[kind];
      if (expression === undefined) continue;
      for (const time of runsAfter(expression, schedule.timeZone, start, start)) {
        if (time >= end) break;
        if (stops.some(({ from, to }) => time >= from && time < to)) this.#world.count('start not delivered');
        else this.#deliver(kind, time);
      }
    }
  }

  /** A start, and now and then another one of the same scheduled time: at once, or later. */
  #deliver(kind: BackupInput['kind'], time: number): void {
    const { target, timeline } = this.#world;
    const scheduledTime = new Date(time).toISOString().replace('.000Z', 'Z');
    const input = { target, kind, scheduledTime };
    const late = this.#random.chance(0.05) ? this.#random.between(0, HOUR) : 0;
    const at = time + Math.floor(late);
    timeline.at(at, () => this.#backUp(input));
    if (!this.#random.chance(this.#climate.twice)) return;
    this.#world.count('slot started twice');
    const after = this.#random.pick([0, 0, 0, 0, 1000, 60_000, HOUR, 5 * HOUR]);
    timeline.at(at + after, () => this.#backUp(input));
  }

  #times(what: 'restart' | 'operator' | 'restore' | 'stop'): number[] {
    const { start, end } = this.#climate;
    const times: number[] = [];
    for (let day = start; day < end; day += DAY)
      if (this.#random.chance(this.#climate[what]))
        times.push(day + this.#random.whole(0, DAY / 1000) * 1000 + 7);
    return times;
  }

  #each(what: 'restart' | 'operator' | 'restore', work: () => unknown): void {
    for (const time of this.#times(what))
      this.#world.timeline.at(time, async () => {
        await work();
      });
  }

  #name(): string {
    this.#executions += 1;
    return `w${this.#seed}-${this.#executions}`;
  }

  #trouble(): Trouble {
    const { death, skew, repetition, killing } = this.#climate;
    const random = this.#random.fork();
    const happens = (probability: number, fault: string): boolean =>
      this.#world.happens(probability, fault, random);
    return {
      ...(happens(death, 'execution died') && { diesAfter: random.whole(1, 10) }),
      ...(happens(skew, 'clock wrong') && { skew: skewOf(random) }),
      isRepeated: () => happens(repetition, 'step run twice'),
      isKilled: () => random.chance(killing),
    };
  }

  // --- executions ---

  async #backUp(input: BackupInput): Promise<void> {
    const { timeline, around } = this.#world;
    const execution = new BackupExecution(this.#name(), around, this.#trouble(), input, {
      proof: this.#proofSteps(),
      around: (backup, prove) => this.#judged(backup, prove),
      startRetention: () => timeline.start(async () => void (await this.#retain())),
    });
    const slot = slotOf(input.kind, input.scheduledTime, execution.execution);
    this.#slots.set(slot, [...(this.#slots.get(slot) ?? []), execution]);
    await this.#withClock(execution.skew, () => execution.run());
    if (execution.status !== 'died') return;
    const next = this.#random.pick(['nothing', 'redrive', 'start again'] as const);
    await timeline.sleep(this.#random.pick([1000, HOUR, 30 * HOUR]));
    if (next === 'nothing') return;
    this.#world.count(next === 'redrive' ? 'execution redriven' : 'slot started again');
    if (next === 'redrive') await execution.redrive();
    else await this.#backUp(input);
  }

  /** Settings are kept for a minute by the function's own clock, and another function has another one. */
  async #withClock(skew: number, work: () => Promise<void>): Promise<void> {
    if (skew !== 0) this.#world.forgetSettings();
    await work();
    if (skew !== 0) this.#world.forgetSettings();
  }

  #proofSteps(): ProofSteps {
    if (this.#options.isProvenForReal === true) return 'real';
    return this.#random.chance(0.4) ? modelProof(this.#world, this.#invariants) : 'none';
  }

  /** Every day, one of the backups. */
  async #proveAgain(): Promise<void> {
    const sound = soundOf(this.#invariants.pages);
    if (sound.length === 0) return;
    const { id } = this.#random.pick(sound);
    const steps = this.#options.isProvenForReal === true ? 'real' : modelProof(this.#world, this.#invariants);
    const { around, target } = this.#world;
    const execution = new ProofExecution(this.#name(), around, target, id, steps);
    await this.#judged(id, () => execution.run());
  }

  /** A proof by the real engine, and whether its word is right. */
  async #judged(id: string, prove: () => Promise<void>): Promise<void> {
    this.#proofs += 1;
    if (this.#options.isProvenForReal !== true) return prove();
    const { storage, target } = this.#world;
    const damage = this.#invariants.damageIn(id);
    const base = this.#world.clickhouse.made.get(id)?.base;
    const before = this.#proofsOf(id);
    try {
      await this.#real.withObjects(storage, target, [id, ...(base == null ? [] : [base])], prove);
    } finally {
      const isCondemned = storage.objects.has(`ledger/${target}/${id}/failed.json`);
      const isProven = this.#proofsOf(id) > before;
      if (isProven) this.#world.count('real proof: proven');
      if (isCondemned) this.#world.count('real proof: refuted');
      if (damage.length > 0 && isProven)
        this.#invariants.report(
          'damage is found by the next proof',
          `${id} was proven in spite of ${damage[0]}`,
        );
      if (damage.length === 0 && isCondemned)
        this.#invariants.report('a proof finds no damage where there is none', `${id} was called damaged`);
    }
  }

  #proofsOf(id: string): number {
    return this.#world.storage.keys(`ledger/${this.#world.target}/${id}/proven`).length;
  }

  async #retain(trouble = this.#trouble()): Promise<RetentionExecution> {
    const { timeline, around, target } = this.#world;
    let planned = 0;
    const execution = new RetentionExecution(this.#name(), around, trouble, target, (remove, self) => {
      this.#lastPlan = timeline.now;
      planned = remove.length;
      this.#invariants.mayBePlanned(remove, timeline.now + self.skew);
      // Somebody wants it back at the very moment at which it goes.
      if (remove.length > 0 && this.#random.chance(this.#climate.race))
        timeline.start(() => this.#restore(this.#random.pick(remove)));
    });
    await this.#withClock(execution.skew, () => execution.run());
    if (execution.status === 'succeeded' && execution.removed < planned)
      this.#world.count('removal spared', planned - execution.removed);
    return execution;
  }

  /** Of any backup, best of one that is about to go. */
  async #restoreOne(): Promise<void> {
    const sound = this.#invariants.pages.filter(isSound);
    const expiring = sound.filter(({ states }) => states.has('expiring'));
    const from = expiring.length > 0 && this.#random.chance(0.7) ? expiring : sound;
    if (from.length > 0) await this.#restore(this.#random.pick(from).id);
  }

  async #restore(backup: string): Promise<void> {
    const { timeline, around, target } = this.#world;
    this.#world.count('restore begun');
    const how = { hours: this.#random.pick([1, 20]), endsWell: this.#random.chance(0.6) };
    const trouble = this.#random.chance(0.3) ? { diesAfter: this.#random.whole(1, 3) } : {};
    const execution = new RestoreExecution(this.#name(), around, trouble, { target, backup }, how, {
      reads: (restore) => {
        this.#world.count('restore reads');
        this.#invariants.reading.add(restore);
      },
      ends: (restore) => this.#invariants.reading.delete(restore),
    });
    timeline.at(timeline.now + 30 * 60_000, async () => void (await this.#retain({})));
    await execution.run();
    if (execution.status === 'died') this.#world.count('restore died');
  }

  async #look(): Promise<void> {
    const { timeline, published, target } = this.#world;
    process.env[ENVIRONMENT.targets] = target;
    published.length = 0;
    const before = this.#invariants.ageOfNewest();
    await timeline.as({ name: 'the watch', skew: 0 }, () =>
      (publishAges as Handler)({}, { getRemainingTimeInMillis: () => 60_000 } as never),
    );
    const lastOf = (metric: string) => published.find(({ name }) => name === metric)?.value;
    this.#invariants.isNotSilent(
      { age: lastOf(METRICS.goodBackupAge), count: lastOf(METRICS.goodBackups) },
      Math.min(before, this.#invariants.ageOfNewest()),
      this.#staleAfterHours * 3600,
    );
  }

  // --- the end ---

  /** Days pass in which nothing goes wrong any more; then everything must be in order. */
  async #settle(): Promise<void> {
    const { timeline, rules } = this.#world;
    await timeline.run(timeline.now + (3 * rules.maxHours + 40) * HOUR);
    this.#world.calm();
    for (let day = 1; day <= 3; day += 1) {
      timeline.at(timeline.now + DAY, async () => {
        const { status, execution } = await this.#retain({});
        if (status !== 'succeeded' && this.#invariants.tornOut.size === 0)
          this.#invariants.report('nothing ends in a way that nobody foresaw', `${execution} ${status}`);
        await this.#look();
      });
      await timeline.run(timeline.now + DAY + 1);
    }
    for (const problem of timeline.problems)
      this.#invariants.report(
        'nothing ends in a way that nobody foresaw',
        problem instanceof Error ? `${problem.stack}` : String(problem),
      );
    this.#invariants.isReadable();
    this.#invariants.isWrittenOnce();
    this.#invariants.areClosed(this.#lastPlan);
    for (const [slot, executions] of this.#slots) this.#invariants.isAccountedFor(slot, executions);
  }

  async #restoreForReal(): Promise<void> {
    const { clickhouse, storage, target } = this.#world;
    const untouched = soundOf(this.#invariants.pages).filter(({ id, base }) =>
      [id, base].every((each) => each === null || this.#isUntouched(each)),
    );
    let restored = 0;
    while (restored < (this.#options.restores ?? 0) && untouched.length > 0) {
      const [{ id, base } = { id: '', base: null }] = untouched.splice(
        this.#random.whole(0, untouched.length - 1),
        1,
      );
      const variant = clickhouse.made.get(id)?.variant ?? 0;
      const { fingerprint } = (base === null ? this.#real.templates.full : this.#real.templates.incremental)[
        variant
      ] as { fingerprint: string };
      const rows = await this.#real.restore(storage, target, id, base);
      if (rows !== fingerprint)
        this.#invariants.report(
          'what counts as good restores to the right rows',
          `${id} restores to ${rows}`,
        );
      restored += 1;
      this.#world.count('backup restored');
    }
  }

  /** What was written badly without anybody having had a chance to see it is for proofs to find. */
  #isUntouched(id: string): boolean {
    const { damaged, tornOut } = this.#invariants;
    return (
      !damaged.has(id) && !tornOut.has(id) && this.#world.clickhouse.made.get(id)?.fate !== 'object damaged'
    );
  }
}

/** Hours behind, or weeks ahead. */
const skewOf = (random: Seeded): number =>
  Math.floor(random.pick([-1, -9, -30, 24 * 8, 24 * 30, 2]) * HOUR * random.between(0.5, 1));
