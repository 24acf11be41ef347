/** What a person mistypes, with the exit code and a part of the answer. */
export const GOOD = '20260329T020000Z-full-k3f9';

export interface Mistake {
  readonly typed: readonly string[];
  readonly code: number;
  readonly sentence: string;
}

const mistake = (typed: readonly string[], code: number, sentence: string): Mistake => ({
  typed,
  code,
  sentence,
});

/** At least one for every verb, on a Safehouse with the target `shop` and the backup `GOOD`. */
export const MISTAKES: readonly Mistake[] = [
  mistake(['lsit'], 2, 'did you mean "list"?'),
  mistake([], 2, 'There is no verb.'),
  mistake(['status', 'shop'], 2, 'takes no argument'),
  mistake(['status', '--jsn'], 2, 'did you mean "--json"?'),
  mistake(['list', 'shpo'], 3, 'did you mean "shop"?'),
  mistake(['list', '--limit', 'x'], 2, 'whole number'),
  mistake(['show'], 2, 'needs a backup'),
  mistake(['show', '1999'], 3, 'no backup "1999"'),
  mistake(['show', 'latest', '--all'], 2, '--all goes with `list`'),
  mistake(['backup'], 2, 'needs the name of a target'),
  mistake(['backup', 'shpo'], 3, 'did you mean "shop"?'),
  mistake(['backup', 'shop', '--kind', 'ful'], 2, 'did you mean "full"?'),
  mistake(['prove'], 2, 'needs a backup'),
  mistake(['prove', '1999'], 3, 'no backup "1999"'),
  mistake(['prove', GOOD, '--level', 'byte'], 2, 'did you mean "bytes"?'),
  mistake(['sql'], 2, 'needs a backup: sql BACKUP SQL'),
  mistake(['sql', GOOD], 2, 'needs SQL after BACKUP'),
  mistake(['sql', GOOD, 'SELECT', '1'], 2, 'put it in quotes'),
  mistake(['sql', '1999', 'SELECT 1'], 3, 'no backup "1999"'),
  mistake(['sql', GOOD, 'SELECT 1', '--format', 'a b'], 2, 'one of ClickHouse'),
  mistake(['sql', GOOD, 'SELECT 1', '--database', 'shpo'], 3, 'did you mean "shop"?'),
  mistake(['retention'], 2, 'needs the name of a target'),
  mistake(['retention', 'shop', '--simulate', '-1'], 2, '--simulate'),
  mistake(['retention', 'shop', '--aply'], 2, 'did you mean "--apply"?'),
  mistake(['keep'], 2, 'needs a backup'),
  mistake(['keep', '1999'], 3, 'no backup "1999"'),
  mistake(['keep', GOOD, '--reason'], 2, '--reason needs a value'),
  mistake(['unkeep', '1999'], 3, 'no backup "1999"'),
  mistake(['unkeep', GOOD, '--reason', 'x'], 2, '--reason goes with `keep`'),
  mistake(['doctor'], 2, 'needs the name of a target'),
  mistake(['doctor', 'shpo'], 3, 'did you mean "shop"?'),
  mistake(['grants', 'shpo'], 3, 'did you mean "shop"?'),
  mistake(['grants', 'shop', '--clickhouse', 'new'], 2, 'must be a version'),
  mistake(['policy', 'shpo'], 3, 'did you mean "shop"?'),
  mistake(['policy', 'shop', '--kms-key'], 2, '--kms-key needs a value'),
  mistake(['local'], 2, '`local` needs up'),
  mistake(['local', 'down'], 2, 'followed by up'),
  mistake(['local', 'up', '--apply'], 2, '--apply goes with `retention`'),
  mistake(['list', '--config', 'safehouse.config.ts'], 2, '--config safehouse.config.ts is for --local'),
];
