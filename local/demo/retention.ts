/** Retention over the nights of the past: what it marked goes, once its grace is over. */
import { bytesText, countOf, countText } from '../../cli/amounts.ts';
import { type Bucket, deleteObject, putOnce } from '../../clients/bucket.ts';
import { requireEvidence } from '../../clients/ledger.ts';
import { planTarget } from '../../clients/retention.ts';
import { ledgerKey } from '../../core/keys.ts';
import { RULES, type Rule } from '../../core/retention.ts';
import { follow, sizeOf, type Tour, unexpectedEnd } from './run.ts';

export async function forget(tour: Tour): Promise<void> {
  const { house, screen, bucket, target } = tour;
  screen.step('Retention');
  const { plan, entries } = await planTarget(bucket, target, house.target(target), Date.now());
  const marked = plan.decisions.filter(({ action }) => action === 'wait');
  const rules = new Map<Rule, number>();
  for (const { action, rule } of plan.decisions)
    if (action === 'keep') rules.set(rule, (rules.get(rule) ?? 0) + 1);
  const before = await sizeOf(bucket, target);
  screen.say(
    `It has run after each backup, and marked ${countOf(marked.length, 'backup')} that no rule wants. For three days a mark can be taken back. The demonstration now makes the marks three days older.`,
  );
  for (const { id } of marked) await endGrace(bucket, target, id);
  const runs = await removeAll(tour);
  const after = await sizeOf(bucket, target);
  screen.done(
    `${countOf(marked.length, 'backup')} removed: ${countText(before.objects - after.objects)} objects, ${bytesText(before.bytes - after.bytes)}`,
  );
  screen.facts([
    ['Kept', RULES.flatMap((rule) => (rules.has(rule) ? [`${rule} ${rules.get(rule)}`] : [])).join(', ')],
    ['Runs', `${runs}, for one run removes a quarter of the backups at most`],
    ['Ledger', `still knows all ${entries.length}, and why each went`],
  ]);
}

async function removeAll(tour: Tour): Promise<number> {
  const { house, target } = tour;
  for (let runs = 1; ; runs += 1) {
    const { output, status, cause } = await follow(tour, await house.start('retention', { target }));
    if (status !== 'succeeded') throw unexpectedEnd('retention', cause);
    if ((output as { removed: readonly unknown[] }).removed.length === 0) return runs - 1;
  }
}

/** The same mark with an earlier date, for the time that nobody wants to wait here. */
async function endGrace(bucket: Bucket, target: string, id: string): Promise<void> {
  const mark = await requireEvidence(bucket, target, id, 'expiring');
  const key = ledgerKey(target, id, 'expiring');
  await deleteObject(bucket, key);
  await putOnce(bucket, key, { ...mark, removeAfter: new Date(Date.now() - 1000).toISOString() });
}
