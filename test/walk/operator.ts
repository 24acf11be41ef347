/** A person with every permission and little care. */
import { record } from '../../clients/ledger.ts';
import { isSound } from './catalogue.ts';
import type { Invariants } from './invariants.ts';
import { withOtherByte } from './model-clickhouse.ts';
import type { Seeded } from './seeded.ts';
import { rulesOf } from './weather.ts';
import type { World } from './world.ts';

const DEEDS = {
  'deletes an object': 2,
  'damages a byte': 2,
  'deletes a backup': 1,
  'deletes a page': 2,
  keeps: 3,
  unkeeps: 2,
  'changes the rules': 2,
  'changes the attempts': 1,
} as const;

export class Operator {
  readonly #world: World;
  readonly #invariants: Invariants;
  readonly #random: Seeded;

  constructor(world: World, invariants: Invariants) {
    this.#world = world;
    this.#invariants = invariants;
    this.#random = world.random.fork();
  }

  async act(): Promise<void> {
    const deed = this.#random.weighted(DEEDS);
    this.#world.count(`operator ${deed}`);
    await this.#world.timeline.as({ name: 'the operator', skew: 0 }, async () => this.#do(deed));
  }

  #do(deed: keyof typeof DEEDS): void | Promise<void> {
    const { storage, target } = this.#world;
    switch (deed) {
      case 'deletes an object':
        return this.#withObject((key) => storage.remove(key));
      case 'damages a byte':
        return this.#withObject((key) => this.#damage(key));
      case 'deletes a backup':
        return this.#withObject((_, id) => {
          for (const key of storage.keys(`backups/${target}/${id}/`)) storage.remove(key);
        });
      case 'deletes a page':
        return this.#deletePage();
      case 'keeps':
        return this.#keep();
      case 'unkeeps':
        return this.#unkeep();
      case 'changes the rules':
        return this.#change({ retention: rulesOf(this.#random) });
      case 'changes the attempts':
        return this.#change({ attempts: this.#random.whole(1, 3) });
    }
  }

  /** Of a backup that may still be counted on: what is gone anyway teaches nothing. */
  #withObject(harm: (key: string, id: string) => void): void {
    const { storage, target } = this.#world;
    const ids = this.#invariants.pages.filter(isSound).map(({ id }) => id);
    const keys = ids.flatMap((id) => storage.keys(`backups/${target}/${id}/`));
    if (keys.length === 0) return;
    const key = this.#random.pick(keys);
    const [, , id = ''] = key.split('/');
    this.#invariants.damaged.add(id);
    harm(key, id);
  }

  #damage(key: string): void {
    const { storage } = this.#world;
    const object = storage.objects.get(key);
    // Behind the back of the witness: S3 shows the same name with another content.
    if (object !== undefined)
      storage.objects.set(key, { ...object, body: withOtherByte(object.body, this.#random) });
  }

  #deletePage(): void {
    const { storage, target } = this.#world;
    const keys = storage.keys(`ledger/${target}/`);
    if (keys.length === 0) return;
    const key = this.#random.pick(keys);
    const [, , id = ''] = key.split('/');
    this.#invariants.tornOut.add(id);
    storage.remove(key);
  }

  /** As `safehouse keep` does it. */
  async #keep(): Promise<void> {
    const { bucket, target } = this.#world;
    const open = this.#invariants.pages.filter(
      ({ states }) => !states.has('removing') && !states.has('removed'),
    );
    if (open.length === 0) return;
    const { id } = this.#random.pick(open);
    await record(bucket, target, id, 'kept', { by: 'the operator', reason: 'it looks nice' }).catch(() => {});
  }

  #unkeep(): void {
    const { storage, target } = this.#world;
    const kept = storage.keys(`ledger/${target}/`).filter((key) => key.endsWith('/kept.json'));
    if (kept.length > 0) storage.remove(this.#random.pick(kept));
  }

  #change(settings: Readonly<Record<string, unknown>>): void {
    this.#world.settings = { ...this.#world.settings, ...settings };
  }
}
