import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openProver, type Prover, ProverRefusal } from '../../../clients/prover.ts';
import { blindness, DAMAGES } from '../../../core/proof.ts';
import { testProver } from '../../../functions/prove/self-test.ts';

let engine: Prover;
beforeEach(async () => {
  engine = await openProver();
});
afterEach(() => engine.close());

interface CheckRow {
  readonly part_path: string;
  readonly is_passed: number;
  readonly message: string;
}

/** An engine whose answers to CHECK TABLE are changed on their way. */
const withChecks = (change: (rows: CheckRow[]) => CheckRow[]): Prover => ({
  ...engine,
  askIn: async <Row>(database: string, query: string): Promise<Row[]> => {
    const rows = await engine.askIn<Row>(database, query);
    return query.startsWith('CHECK TABLE') ? (change(rows as CheckRow[]) as Row[]) : rows;
  },
});

describe('the self-test', { timeout: 30_000 }, () => {
  it('passes the good control backup and sees every kind of damage, time after time', async () => {
    for (let time = 1; time <= 2; time += 1) {
      const selfTest = await testProver(engine);
      expect(selfTest.damages).toEqual(DAMAGES.map((damage) => ({ damage, seen: true })));
      expect(blindness(selfTest)).toBeUndefined();
    }
  });

  it('leaves nothing mounted', async () => {
    await testProver(engine);
    expect(await engine.ask("SELECT name FROM system.databases WHERE engine = 'Backup'")).toEqual([]);
  });

  it('knows an engine that passes every part for blind', async () => {
    const blind = withChecks((rows) => rows.map((row) => ({ ...row, is_passed: 1, message: '' })));
    const selfTest = await testProver(blind);
    expect(selfTest.good).toBe(true);
    expect(blindness(selfTest)).toBe(
      'it did not see a flipped bit in data, a flipped bit in marks, a flipped bit in the primary index, a missing object, a truncated object in the control backup',
    );
  });

  it('knows an engine that fails every part for blind', async () => {
    const blind = withChecks((rows) =>
      rows.map((row) => ({ ...row, is_passed: 0, message: 'Code: 40. DB::Exception: no (X)' })),
    );
    expect(blindness(await testProver(blind))).toBe('it found damage in the good control backup');
  });

  it('knows an engine that answers nothing for blind', async () => {
    const refuse = (): Promise<never> =>
      Promise.reject(new ProverRefusal(48, 'NOT_IMPLEMENTED', 'it does nothing'));
    const blind: Prover = { ...engine, ask: refuse, askIn: refuse, askText: refuse };
    expect(blindness(await testProver(blind))).toBe('it found damage in the good control backup');
  });
});
