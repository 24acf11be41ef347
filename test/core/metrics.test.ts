import { expect, test } from 'vitest';
import { DIMENSIONS, METRICS, NAMESPACE, SERVICE } from '../../core/metrics.ts';

test('what people have built dashboards and alarms on keeps its name', () => {
  expect(NAMESPACE).toBe('Safehouse');
  expect(SERVICE).toEqual({ service: 'safehouse' });
  expect(DIMENSIONS).toEqual({ stack: 'Stack', target: 'Target', workflow: 'Workflow' });
  expect(METRICS).toMatchObject({
    goodBackupAge: 'GoodBackupAge',
    goodBackups: 'GoodBackups',
    unverifiedBackups: 'UnverifiedBackups',
    alertsSent: 'AlertsSent',
    proofAge: 'ProofAge',
    backupsFailed: 'BackupsFailed',
  });
});

test('each metric has a name of its own', () => {
  const names = Object.values(METRICS);
  expect(new Set(names).size).toBe(names.length);
});
