/** What is told of a restore: to whoever reconciles after it, and to a person when it failed. */
import type { Alert } from './alert.ts';
import { harmless } from './redaction.ts';
import type { RestoreReport } from './restore.ts';

/** JSON, for a program: a Lambda function or a queue subscribes to the topic. `covers` is the time that the backup shows. */
export function composeRestoredMessage({
  restore,
  target,
  to,
  backup,
  mode,
  covers,
  tables,
}: RestoreReport): Alert {
  const databases = [...new Set(tables.map(({ database }) => database))];
  return {
    subject: `Safehouse: ${target}: restored to ${to}`.slice(0, 99),
    text: JSON.stringify({ event: 'restored', restore, target, to, backup, mode, covers, databases }),
  };
}

const MOST_NAMED = 10;

/** What a failed restore left behind, for the alert. */
export function describeRemains({
  dropped,
  left,
  isWhole,
}: Pick<RestoreReport, 'dropped' | 'left' | 'isWhole'>): string {
  if (isWhole && dropped.length === 0)
    return 'What ClickHouse restored is in place: nothing of it was dropped.';
  const names = dropped.map(({ database, table }) => (table === null ? database : `${database}.${table}`));
  const took =
    names.length === 0
      ? 'Nothing had to be taken away.'
      : `What it had made was taken away: ${names.slice(0, MOST_NAMED).join(', ')}${names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : ''}.`;
  const remains = [
    ...left.slice(0, MOST_NAMED).map(({ what, statement }) => `${what}: ${statement}`),
    ...(left.length > MOST_NAMED ? [`and ${left.length - MOST_NAMED} more, in the report`] : []),
  ];
  return harmless(
    [took, ...(remains.length > 0 ? [`Left for you to judge: ${remains.join('; ')}.`] : [])].join(' '),
  );
}
