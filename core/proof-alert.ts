import type { Alert } from './alert.ts';
import { harmless } from './redaction.ts';

/** A backup that is what the server had, and much less than before: for a person to look at, not a failure. */
export function composeAnomalyAlert(target: string, backup: string, anomalies: readonly string[]): Alert {
  const lines = [
    'A backup is proven, and holds much less than the one before.',
    '',
    `Target:        ${target}`,
    `Backup:        ${backup}`,
    ...anomalies.map((anomaly) => `What happened: ${anomaly}`),
    'What to do:    If somebody deleted data on purpose, nothing. Otherwise keep the backup before this one',
    '               (`npx safehouse keep`) until it is known what happened.',
  ];
  return {
    subject: `Safehouse: ${target}: the newest backup is much smaller`.slice(0, 100),
    text: lines.map((line) => harmless(line)).join('\n'),
  };
}
