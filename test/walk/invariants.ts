/**
 * What must hold whatever happens. Some are asked at the moment at which they could be broken, by whoever stands beside the bucket;
 * the others when the walk is over.
 */
import * as z from 'zod';
import { EVIDENCE_SCHEMAS, expiringSchema, foldLedger, startedSchema } from '../../core/ledger.ts';
import { isSound, type Page, pagesOf, soundOf } from './catalogue.ts';
import type { BackupExecution } from './executions.ts';
import type { StoredObject, Witness } from './memory-bucket.ts';
import { keptBy } from './rules-model.ts';
import type { World } from './world.ts';

export const INVARIANTS = [
  'a backup counts as good only when it was whole',
  'what counts as good restores to the right rows',
  'damage is found by the next proof',
  'a proof finds no damage where there is none',
  'what the rules keep is not removed',
  'the newest good backup is not removed',
  'no base goes under a good incremental',
  'nothing goes while a restore holds it',
  'what was kept by hand is not removed',
  'nothing goes before its grace is over',
  'the manifest goes first',
  'removed means gone',
  'every scheduled time is accounted for',
  'a scheduled time makes one backup',
  'what was abandoned is closed',
  'no silent gap is longer than the alarm promises',
  'nothing is written twice under one prefix',
  'no page of the ledger is written over',
  'the ledger is readable',
  'nothing ends in a way that nobody foresaw',
] as const;
export type Invariant = (typeof INVARIANTS)[number];

export interface Violation {
  readonly invariant: Invariant;
  readonly what: string;
  readonly at: string;
}

const SCHEMAS: Readonly<Record<string, z.ZodType>> = EVIDENCE_SCHEMAS;

const pinSchema = z.object({ holder: z.string(), lapsesAt: z.string() });

const HOUR = 3_600_000;

export class Invariants implements Witness {
  readonly violations: Violation[] = [];
  /** Backups of which somebody has damaged an object, or which were written so. */
  readonly damaged = new Set<string>();
  /** Backups of which somebody has removed a page of the ledger. */
  readonly tornOut = new Set<string>();
  /** Restores that have their pins and read. */
  readonly reading = new Set<string>();
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
    world.witness = this;
  }

  report(invariant: Invariant, what: string): void {
    const at = new Date(this.#world.timeline.now).toISOString();
    this.violations.push({ invariant, what: `${what} (by ${this.#world.timeline.worker.name})`, at });
  }

  get pages(): Page[] {
    const { storage, clickhouse, target } = this.#world;
    return pagesOf(storage, clickhouse, target);
  }

  // --- beside the bucket ---

  put(key: string, _body: Buffer, previous: StoredObject | undefined): void {
    const [place, , id = '', name = ''] = key.split('/');
    if (place === 'backups' && previous !== undefined)
      this.report('nothing is written twice under one prefix', `${key} is written over`);
    if (place !== 'ledger') return;
    if (previous !== undefined)
      this.report('no page of the ledger is written over', `${key} is written over`);
    if (name === 'verified.json') this.wasWhole(id);
    if (name === 'removing.json') this.mayGo(id);
    if (name === 'removed.json') this.isGone(id);
  }

  removed(key: string): void {
    const [place, target, id = '', ...rest] = key.split('/');
    if (place !== 'backups' || !this.#world.timeline.worker.name.includes(':Retention:')) return;
    if (rest.join('/') !== '.backup' && this.#world.storage.objects.has(`backups/${target}/${id}/.backup`))
      this.report('the manifest goes first', `${key} goes while the manifest is there`);
    this.isFree(id);
  }

  wasWhole(id: string): void {
    const missing = this.missingIn(id);
    if (missing.length > 0)
      this.report(
        'a backup counts as good only when it was whole',
        `${id} is called verified, and ${missing[0]} is not as it was written`,
      );
  }

  /** Objects that are absent or of another size, in the backup and in its base. */
  missingIn(id: string): string[] {
    return this.differencesIn(id, (should, is) => is?.length === should.length);
  }

  /** Objects that are absent or another, in the backup and in its base. */
  damageIn(id: string): string[] {
    return this.differencesIn(id, (should, is) => is?.equals(should) === true);
  }

  private differencesIn(id: string, isSame: (should: Buffer, is: Buffer | undefined) => boolean): string[] {
    const { storage, clickhouse, target } = this.#world;
    const made = clickhouse.made.get(id);
    if (made === undefined) return [`backups/${target}/${id}/`];
    const own = [...made.files].flatMap(([name, should]) => {
      const key = `backups/${target}/${id}/${name}`;
      return isSame(should, storage.objects.get(key)?.body) ? [] : [key];
    });
    return made.base === null ? own : [...own, ...this.differencesIn(made.base, isSame)];
  }

  /** At the moment before its removal begins. */
  mayGo(id: string): void {
    const pages = this.pages;
    const own = pages.find((page) => page.id === id);
    if (own === undefined || this.tornOut.has(id)) return;
    const { worker } = this.#world.timeline;
    const clock = this.#world.timeline.now + worker.skew;
    if (own.states.has('kept')) this.report('what was kept by hand is not removed', `${id} is kept`);
    const mark = this.#json(`ledger/${this.#world.target}/${id}/expiring.json`, expiringSchema);
    if (mark === undefined || Date.parse(mark.removeAfter) > clock)
      this.report(
        'nothing goes before its grace is over',
        `${id} goes, and its mark says ${mark?.removeAfter ?? 'nothing'}`,
      );
    const dependent = pages.find(
      ({ base, states, ...page }) =>
        base === id && !states.has('removed') && isSound({ base, states, ...page }),
    );
    if (dependent !== undefined && !this.tornOut.has(dependent.id))
      this.report('no base goes under a good incremental', `${id} goes, and ${dependent.id} stands on it`);
  }

  /** Whoever has a pin from before the removal, or has been told that the pin holds. */
  isFree(id: string): void {
    const { storage, target, timeline } = this.#world;
    const clock = timeline.now + timeline.worker.skew;
    for (const key of storage.keys(`pins/${target}/${id}/`)) {
      const pin = this.#json(key, pinSchema);
      if (pin === undefined || Date.parse(pin.lapsesAt) <= clock) continue;
      const begun = storage.objects.get(`ledger/${target}/${id}/removing.json`)?.modified;
      const isOlder = (storage.objects.get(key)?.modified ?? 0) < (begun ?? timeline.now - 1000);
      if (this.reading.has(pin.holder) || isOlder)
        this.report('nothing goes while a restore holds it', `${id} goes, and ${pin.holder} holds it`);
    }
  }

  isGone(id: string): void {
    const left = this.#world.storage.keys(`backups/${this.#world.target}/${id}/`);
    if (left.length > 0)
      this.report(
        'removed means gone',
        `${id} is called removed, and ${left.length} objects are left: ${left[0]}`,
      );
  }

  /** What a plan lets go, before anything goes. */
  mayBePlanned(remove: readonly string[], clock: number): void {
    const { retention, schedule } = this.#world.rules;
    const sound = soundOf(this.pages).filter(({ startedAt }) => startedAt <= clock + 5 * 60_000);
    const kept = keptBy(retention, sound, schedule.timeZone);
    const newest = [...sound].sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1)).at(-1);
    for (const id of remove) {
      if (this.tornOut.has(id) || !sound.some((page) => page.id === id)) continue;
      const rule = kept.get(id);
      if (rule !== undefined)
        this.report('what the rules keep is not removed', `${id} is to go, and is kept by ${rule}`);
      if (newest?.id === id)
        this.report('the newest good backup is not removed', `${id} is to go, and none is newer`);
    }
  }

  // --- at the watch ---

  /** Seconds since the newest good backup was begun, by the true time; Infinity where there is none. */
  ageOfNewest(): number {
    const { timeline, clickhouse } = this.#world;
    const pages = this.pages;
    const sound = new Set(soundOf(pages));
    // Without its page nobody can say whether the base is good, and what stands on it says so by itself.
    const good = pages.filter(
      (page) =>
        isSound(page) &&
        !page.states.has('expiring') &&
        (sound.has(page) || (page.base !== null && this.tornOut.has(page.base))),
    );
    const newest = Math.max(...good.map(({ id }) => clickhouse.made.get(id)?.begunAt ?? 0));
    return (timeline.now - newest) / 1000;
  }

  /**
   * @param age what was published, undefined where nothing was
   * @param trueAge the least that was true while the watch looked: it may see what ends in that moment, or not
   */
  isNotSilent(
    { age, count }: { readonly age: number | undefined; readonly count: number | undefined },
    trueAge: number,
    thresholdSeconds: number,
  ): void {
    // Three looks, five minutes apart.
    if (trueAge - 15 * 60 <= thresholdSeconds) return;
    this.#world.count('alarm due');
    if (age === undefined || count === undefined || age > thresholdSeconds || count < 1) return;
    this.report(
      'no silent gap is longer than the alarm promises',
      `the newest good backup was begun ${hours(trueAge)} ago, the alarm is due after ${hours(thresholdSeconds)}, and the age was said to be ${hours(age)}`,
    );
  }

  // --- when it is over ---

  isReadable(): void {
    const { storage, target } = this.#world;
    const keys = storage.keys(`ledger/${target}/`);
    const { strangers } = foldLedger(keys.map((key) => ({ key, lastModified: 0 })));
    for (const key of strangers) this.report('the ledger is readable', `${key} is a stranger`);
    for (const key of keys) {
      const [, state = ''] = /\/([a-z]+)(?:@[^/]*)?\.json$/.exec(key) ?? [];
      const parsed = SCHEMAS[state]?.safeParse(storage.json(key));
      if (parsed?.success === false)
        this.report('the ledger is readable', `${key}: ${z.prettifyError(parsed.error)}`);
    }
  }

  isWrittenOnce(): void {
    for (const id of this.#world.clickhouse.madeTwice)
      this.report('nothing is written twice under one prefix', `BACKUP was begun a second time for ${id}`);
  }

  /** @param executions all that were begun for one scheduled time */
  isAccountedFor(slot: string, executions: readonly BackupExecution[]): void {
    const { storage, target, told } = this.#world;
    for (const execution of executions)
      if (execution.status === 'running')
        this.report('every scheduled time is accounted for', `${execution.execution} of ${slot} never ends`);
    const claimed = storage
      .keys(`claims/${target}/${slot}/attempt-`)
      .map((key) => (storage.json(key) as { id: string }).id);
    // Whatever they have begun is of this scheduled time, claimed or not.
    const names = new Set(executions.map(({ execution }) => execution));
    const begun = this.pages.filter(({ id }) => names.has(this.#beganBy(id))).map(({ id }) => id);
    const attempts = [...new Set([...claimed, ...begun])];
    if (attempts.some((id) => this.tornOut.has(id))) return;
    const pages = this.pages.filter(({ id }) => attempts.includes(id));
    const made = pages.filter(({ states }) => states.has('verified'));
    const unfailed = made.filter(({ states }) => !states.has('failed'));
    if (unfailed.length > 1)
      this.report(
        'a scheduled time makes one backup',
        `${slot} made ${unfailed.map(({ id }) => id).join(' and ')}`,
      );
    if (made.length > 0 || storage.objects.has(`claims/${target}/${slot}/skipped.json`)) return;
    const isTold = told.some(({ text }) => [...attempts, ...names].some((name) => text.includes(name)));
    // Step Functions' own alarms: an execution that was stopped, and one that failed without an alert.
    const isAlarmed = executions.some(({ status }) => status === 'died' || status === 'failed untold');
    if (!isTold && !isAlarmed)
      this.report(
        'every scheduled time is accounted for',
        `${slot} made nothing, and nobody was told: ${executions.map(({ status }) => status).join(', ')}`,
      );
  }

  /** @param lastPlan when retention last planned without an error */
  areClosed(lastPlan: number): void {
    const { clickhouse, rules } = this.#world;
    for (const { id, states, startedAt } of this.pages) {
      const isOpen = !['verified', 'failed', 'removed', 'removing'].some((state) => states.has(state));
      const signs = Math.max(startedAt, clickhouse.made.get(id)?.begunAt ?? 0);
      const isLong = lastPlan - signs > (2 * rules.maxHours + 26) * HOUR;
      if (isOpen && isLong && !this.tornOut.has(id) && states.has('started'))
        this.report(
          'what was abandoned is closed',
          `${id} is open since ${hours((lastPlan - signs) / 1000)}`,
        );
    }
  }

  #beganBy(id: string): string {
    return this.#json(`ledger/${this.#world.target}/${id}/started.json`, startedSchema)?.by ?? '';
  }

  #json<Schema extends z.ZodType>(key: string, schema: Schema): z.output<Schema> | undefined {
    return schema.safeParse(this.#world.storage.json(key)).data;
  }
}

const hours = (seconds: number): string => `${Math.round(seconds / 360) / 10} h`;
