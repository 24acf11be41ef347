/** How far a restore is: the bytes that ClickHouse has restored, then the tables that were read with CHECK TABLE. */
import { type Bucket, listObjects } from '../clients/bucket.ts';
import { SafehouseError } from '../core/errors.ts';
import type { ExecutionView } from '../core/installation.ts';
import { restorePrefix } from '../core/keys.ts';
import type { RestorePlan } from '../core/restore.ts';
import { bytesText, clockText, countOf, countText } from './amounts.ts';
import { findPlan, readBefore } from './restore-evidence.ts';
import type { WatchedDetail } from './watch.ts';

export interface RestoreProgress extends WatchedDetail {
  /** As soon as it is written. */
  readonly plan: RestorePlan | undefined;
}

export interface RestoreWatching {
  readonly bucket: Bucket;
  /** The target that is restored to. */
  readonly to: string;
  readonly execution: string;
  readonly now: () => number;
  /** Called once, when the plan is written. */
  readonly onPlan?: (plan: RestorePlan) => void;
}

const COMPARING = 'Compare';

/** What cannot be read leaves the figures as they were: they decide nothing. */
export function restoreProgress(watching: RestoreWatching): RestoreProgress {
  const { bucket, to, execution, now, onPlan } = watching;
  const bytes = byteProgress(now);
  let plan: RestorePlan | undefined;
  let total: number | undefined;
  let checked: number | undefined;
  let isRunning = true;
  const look = async ({ status, state, poll }: ExecutionView): Promise<void> => {
    isRunning = status === 'running';
    if (plan === undefined) {
      plan = await findPlan(bucket, to, execution);
      if (plan !== undefined) onPlan?.(plan);
    }
    if (plan === undefined) return;
    if (poll !== null) {
      total ??= (await readBefore(bucket, plan))?.bytes;
      if (total !== undefined) bytes.see(poll.progress.bytes, total);
    }
    if (state === COMPARING && plan.check) checked = await countChecked(bucket, plan);
  };
  return {
    get plan() {
      return plan;
    },
    look: (view) =>
      look(view).catch((error: unknown) => {
        if (!(error instanceof SafehouseError)) throw error;
      }),
    get text() {
      // What was restored after the last poll was never seen: at the end the report has the figures.
      if (!isRunning) return '';
      if (checked === undefined || plan === undefined) return bytes.text;
      return `${countText(checked)} of ${countOf(plan.tables.length, 'table')} checked`;
    },
  };
}

const CHECK = /\/check-\d+\.json$/;

async function countChecked(bucket: Bucket, { to, restore }: RestorePlan): Promise<number> {
  let checked = 0;
  for await (const { key } of listObjects(bucket, `${restorePrefix(to, restore)}check-`))
    if (CHECK.test(key)) checked += 1;
  return checked;
}

interface ByteProgress {
  see(done: number, total: number): void;
  /** `[####......]  1.2 GB of 2.9 GB  1:23 left`; empty before there are figures. */
  readonly text: string;
}

function byteProgress(now: () => number): ByteProgress {
  let began: number | undefined;
  let figures: { readonly done: number; readonly total: number } | undefined;
  /** When it should be done, by its pace so far. */
  let doneAt: number | undefined;
  return {
    see: (seen, total) => {
      const at = now();
      began ??= at;
      const done = Math.min(seen, total);
      // ClickHouse is asked now and then: between two answers the time runs on and the bytes stand still.
      if (done === figures?.done || total === 0) return;
      figures = { done, total };
      doneAt = done === 0 || at === began ? undefined : at + ((at - began) * (total - done)) / done;
    },
    get text() {
      if (figures === undefined) return '';
      const { done, total } = figures;
      const left =
        doneAt === undefined || done >= total ? '' : `  ${clockText(Math.max(0, doneAt - now()))} left`;
      return `${barText(done / total)}  ${bytesText(done)} of ${bytesText(total)}${left}`;
    },
  };
}

const CELLS = 10;

function barText(share: number): string {
  const full = Math.floor(share * CELLS);
  return `[${'#'.repeat(full)}${'.'.repeat(CELLS - full)}]`;
}
