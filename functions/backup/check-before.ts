/** Waits for the target's own condition, such as a message lag of zero, before anything is backed up. */
import { ask, openClickHouse } from '../../clients/clickhouse.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { nextWaitSeconds } from '../../core/poll.ts';
import { type BeforeCheck, checkBeforeInputSchema } from '../../core/workflow.ts';
import { target as readTarget } from '../environment.ts';
import { step } from '../step.ts';

export const handler = step('check-before', checkBeforeInputSchema, async (run): Promise<BeforeCheck> => {
  const { before, ...target } = await readTarget(run.target);
  const since = run.before?.since ?? new Date().toISOString();
  if (before === undefined) return { outcome: 'ready', since, waitSeconds: 1 };
  const clickhouse = await openClickHouse(target);
  try {
    const rows = await ask<Record<string, unknown>>(clickhouse, {
      query: before.query,
      // It may only read. Not 1, which forbids settings as well, those of the query and our own.
      settings: { readonly: 2 },
    });
    const value = oneValue(rows, before.query);
    if (isFalse(value)) return { outcome: 'ready', since, waitSeconds: 1 };
    const waited = (Date.now() - Date.parse(since)) / 1000;
    if (waited > before.limitMinutes * 60)
      throw new SafehouseError(ERROR_NAMES.refused, {
        what: `The backup waited ${before.limitMinutes} minutes for \`${before.query}\` to return 0; it still returns ${JSON.stringify(value)}.`,
        remedy: 'Find out what holds it up, or raise `before.limitMinutes`; then start the backup by hand.',
        error: 'BeforeQueryTimedOut',
      });
    return { outcome: 'waiting', since, waitSeconds: nextWaitSeconds(waited) };
  } finally {
    await clickhouse.client.close();
  }
});

function oneValue(rows: readonly Record<string, unknown>[], query: string): unknown {
  const [row] = rows;
  const values = Object.values(row ?? {});
  if (rows.length !== 1 || values.length !== 1)
    throw new SafehouseError(ERROR_NAMES.configuration, {
      what: `The \`before\` query returned ${rows.length} rows of ${values.length} columns: ${query}.`,
      remedy: 'It must return one row of one column; the backup starts when that is 0, false, empty or NULL.',
    });
  return values[0];
}

/** 64-bit numbers and decimals may come as texts; an empty list is none of these. */
const isFalse = (value: unknown): boolean =>
  value === null ||
  value === false ||
  value === 'false' ||
  ((typeof value === 'number' || typeof value === 'string') && Number(value) === 0);
