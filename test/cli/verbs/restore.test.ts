import { afterAll, beforeAll, expect, it } from 'vitest';
import { putOnce } from '../../../clients/bucket.ts';
import { makeBackupId } from '../../../core/backup-id.ts';
import { failureText } from '../../../core/errors.ts';
import type { ExecutionView } from '../../../core/installation.ts';
import { restoreKey } from '../../../core/keys.ts';
import type { Before, PreflightFinding, RestorePlan, RestoreReport } from '../../../core/restore.ts';
import { type Caller, call } from '../call.ts';
import {
  HOUR,
  type MadeExecution,
  makeProven,
  makeVerified,
  openTestHouse,
  shopTarget,
  type TestHouse,
} from '../house.ts';
import { BUFFER, beforeOf, COMPARED, makeRestore, planOf, reportOf, STATEMENT } from '../restores.ts';

let house: TestHouse;
const now = Math.floor(Date.now() / 1000) * 1000;
const BACKUP = makeBackupId(now - 3 * HOUR, 'full', 'k3f9');

beforeAll(async () => {
  house = await openTestHouse();
  await makeVerified(house.bucket, BACKUP);
  await makeProven(house.bucket, BACKUP);
});
afterAll(() => house.stop());

const SUCCEEDED: Partial<ExecutionView> = { status: 'succeeded', state: 'Finish' };

const failed = (error: string, what: string): Partial<ExecutionView> => ({
  status: 'failed',
  state: 'GivenUp',
  error,
  cause: failureText({ error, what, remedy: 'Mend it.', class: 'fix and stop' }),
});

interface Restoring {
  readonly plan?: Partial<RestorePlan>;
  readonly before?: Partial<Before> | null;
  readonly dryRun?: readonly Partial<ExecutionView>[];
  readonly report?: Partial<RestoreReport> | null;
  readonly views?: readonly Partial<ExecutionView>[];
  readonly caller?: Caller;
  /** Whether it drops `shop` to make room. */
  readonly replaced?: boolean;
}

let restores = 0;

/** Each restore has executions of its own, so that one finds nothing of another. */
async function restore(typed: readonly string[], restoring: Restoring = {}) {
  restores += 1;
  const { plan: over, dryRun = [SUCCEEDED], views = [SUCCEEDED] } = restoring;
  const at = new Date(now - HOUR + restores * 1000).toISOString();
  const ids = { dry: `dry-${restores}`, real: `real-${restores}` };
  const before = beforeOf(restoring.before ?? {});
  const begins = (execution: string, report: boolean): Required<MadeExecution>['begun'] => {
    const plan = planOf(BACKUP, { at, execution, dryRun: !report, ...over });
    return async () => {
      if (report && restoring.replaced === true) await dropShop(plan);
      await makeRestore(house.bucket, {
        plan,
        ...(restoring.before !== null && { before }),
        ...(report && restoring.report !== null && { report: reportOf(plan, restoring.report) }),
      });
    };
  };
  const installation = house.installation({
    targets: { shop: shopTarget(), mes: shopTarget() },
    executions: [
      { id: ids.dry, views: dryRun, begun: begins(ids.dry, false) },
      { id: ids.real, views, begun: begins(ids.real, true) },
    ],
  });
  const called = await call(['restore', ...typed], {
    open: async () => installation,
    now,
    columns: 80,
    ...restoring.caller,
  });
  const { restore: id } = planOf(BACKUP, { at, execution: ids.real });
  return {
    ...called,
    started: installation.started,
    id,
    flat: flat(called.stdout),
    told: flat(called.stderr),
  };
}

const dropShop = ({ to, restore: id, at }: RestorePlan) =>
  putOnce(house.bucket, restoreKey(to, id, 'room'), {
    version: 1,
    at,
    dropped: [{ kind: 'database', database: 'shop', table: null }],
    created: [],
  });

const flat = (text: string): string => text.replace(/\s+/g, ' ');

const DISK: PreflightFinding = {
  check: 'disk',
  weight: 'blocks',
  what: '42.0 GB are to be restored to the disk default, where 1.0 GB are free.',
  remedy: 'Make room, or restore less.',
};

const CONFIRMATION: PreflightFinding = {
  check: 'confirmation',
  weight: 'blocks',
  what: 'These would be dropped, with every row in them: shop.',
  remedy: 'Type their names in `confirm`: ["shop"].',
};

const REPLACE: Partial<RestorePlan> = {
  mode: 'replace',
  databases: [{ from: 'shop', to: 'shop', whole: true }],
  tables: [{ ...BUFFER, to: { database: 'shop', table: 'buffer' } }],
};

it('looks first, then restores what it has shown, and ends with the comparison', async () => {
  const { exitCode, stdout, flat: shown, told, started } = await restore(['shop']);
  expect(told).not.toContain('Error');
  expect(exitCode).toBe(0);
  expect(started).toEqual([
    { workflow: 'restore', input: { target: 'shop', dryRun: true } },
    {
      workflow: 'restore',
      input: { target: 'shop', backup: BACKUP, mode: 'new', as: { shop: 'shop_restored' } },
    },
  ]);
  expect(told).toContain(`Restore ${BACKUP} of shop`);
  expect(told).toContain('shop → shop_restored');
  expect(stdout).toMatch(new RegExp(`^Restored {2}${BACKUP} of shop$`, 'm'));
  expect(stdout).toMatch(/^ {2}shop_restored\.events +1,234,567 +1,234,567 +3 +identical$/m);
  expect(shown).toContain('2 tables: 1 identical, 1 definition.');
  expect(shown).toContain('Assertions 1 of 1 hold');
  expect(shown).toContain('5 min, of which the RESTORE 4 min for 42.0 GB');
  expect(stdout).toContain('\nEXCHANGE TABLES `shop`.`events` AND `shop_restored`.`events`;\nSwap back\n');
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

it('says with --dry-run what would be done, and does nothing', async () => {
  const findings: PreflightFinding[] = [{ ...DISK, weight: 'notice', check: 'proof' }];
  const {
    exitCode,
    stdout,
    flat: shown,
    started,
  } = await restore(['shop', '--dry-run'], { before: { findings } });
  expect(exitCode).toBe(0);
  expect(started).toEqual([{ workflow: 'restore', input: { target: 'shop', dryRun: true } }]);
  expect(shown).toContain('3 h 0 min old, by ClickHouse 26.3.1.1');
  expect(shown).toMatch(/Proven .* ago, every byte was read back/);
  expect(shown).toContain('shop, where it comes from, ClickHouse 26.7.2.1 on clickhouse-0');
  expect(shown).toContain('2 tables, 1,234,567 rows, 42.0 GB');
  expect(shown).toContain('Estimate about 4 min');
  expect(stdout).toMatch(/^ {2}shop_restored\.events +MergeTree +1,234,567 +42\.0 GB$/m);
  expect(stdout).toMatch(/^ {2}shop_restored\.buffer +Buffer +definition$/m);
  expect(shown).toContain('Left out 1 shop.rates it would begin to refresh at once');
  expect(stdout).toContain(`\nStatement\n${STATEMENT}\n`);
  expect(shown).toContain('Notice: proof: 42.0 GB are to be restored');
  expect(shown).toContain('Nothing was changed.');
});

it('gives scripts the plan with stable names', async () => {
  const { json } = await restore(['shop', '--dry-run', '--json']);
  expect(json).toMatchObject({
    outcome: 'dry run',
    execution: expect.stringMatching(/^dry-/),
    plan: { backup: BACKUP, databases: [{ from: 'shop', to: 'shop_restored', whole: true }] },
    before: { statement: STATEMENT, findings: [] },
    toConfirm: [],
  });
});

it('gives scripts the report, and nothing else on stdout', async () => {
  const { json, id } = await restore(['shop', '--json']);
  expect(json).toMatchObject({
    execution: expect.stringMatching(/^real-/),
    restore: id,
    outcome: 'restored',
    tables: [{ table: 'events', comparison: 'identical' }, { comparison: 'definition' }],
    swap: [expect.any(String)],
  });
});

it('names everything that is in the way at once, each with what to do, and begins nothing', async () => {
  const taken: PreflightFinding = {
    check: 'destination',
    weight: 'blocks',
    what: 'The server has a database shop_restored already.',
    remedy: 'Give another name with `as`.',
  };
  const views = [failed('PreflightRefused', 'Nothing was begun: [disk] … [destination] …')];
  const refused = await restore(['shop'], { before: { findings: [taken, DISK] }, dryRun: views });
  expect(refused.exitCode).toBe(6);
  expect(refused.started).toHaveLength(1);
  expect(refused.flat).toContain('Stop: destination: The server has a database shop_restored already.');
  expect(refused.flat).toContain('To do: Give another name with `as`.');
  expect(refused.flat).toContain('Stop: disk: 42.0 GB');
  expect(refused.flat).toContain('Or take it on yourself: --accept disk');
  expect(refused.flat).not.toContain('--accept destination');
  expect(refused.told).toContain('2 findings of the preflight stand in the way: destination, disk.');
  const again = await restore(['shop', '--dry-run', '--json'], {
    before: { findings: [DISK] },
    dryRun: views,
  });
  expect(again.exitCode).toBe(6);
  expect(again.json).toMatchObject({ outcome: 'refused', before: { findings: [DISK] } });
});

it('goes on with what was accepted', async () => {
  const { exitCode, started, told } = await restore(['shop', '--accept', 'disk'], {
    before: { findings: [{ ...DISK, weight: 'accepted' }] },
  });
  expect(exitCode).toBe(0);
  expect(started[1]?.input).toMatchObject({ accept: ['disk'] });
  expect(told).toContain('Accepted: disk:');
});

it.each([
  [['--mode', 'replace'], '--yes DATABASE'],
  [['--mode', 'append'], '--yes append'],
])(
  'refuses %j in a script that has not said that it is meant, before anything starts',
  async (typed, flag) => {
    const { exitCode, told, started } = await restore(['shop', ...typed]);
    expect(exitCode).toBe(6);
    expect(told).toContain(flag);
    expect(started).toEqual([]);
  },
);

const replacing: Restoring = {
  plan: REPLACE,
  before: { databases: ['shop'], findings: [CONFIRMATION] },
  dryRun: [failed('PreflightRefused', 'Nothing was begun.')],
};

it('asks for the name of the database that replace drops, and passes it on', async () => {
  const { exitCode, asked, started } = await restore(['shop', '--mode', 'replace'], {
    ...replacing,
    caller: { answers: ['shop'] },
  });
  expect(exitCode).toBe(0);
  expect(asked).toEqual([expect.stringContaining('The database "shop" is dropped first')]);
  expect(started[1]).toEqual({
    workflow: 'restore',
    input: { target: 'shop', mode: 'replace', backup: BACKUP, confirm: ['shop'] },
  });
});

it.each([
  ['Shop', 6, 'Nothing was begun: "shop" was asked for, and "Shop" was typed.'],
  ['', 6, 'nothing was typed'],
  ['y', 6, '"y" was typed'],
  [undefined, 130, 'Nothing was begun.'],
])('does not drop anything when %j is typed', async (typed, code, sentence) => {
  const { exitCode, told, started } = await restore(['shop', '--mode', 'replace'], {
    ...replacing,
    caller: { answers: [typed] },
  });
  expect(exitCode).toBe(code);
  expect(told).toContain(sentence);
  expect(started).toHaveLength(1);
});

it('asks nobody when --yes has named what is dropped', async () => {
  const { exitCode, asked, started } = await restore(
    ['shop', '--mode', 'replace', '--yes', 'shop'],
    replacing,
  );
  expect(exitCode).toBe(0);
  expect(asked).toEqual([]);
  expect(started[1]?.input).toMatchObject({ confirm: ['shop'] });
});

it('refuses a --yes that names something else, and names what would be right', async () => {
  const { exitCode, told, started } = await restore(['shop', '--mode', 'replace', '--yes', 'mes'], replacing);
  expect(exitCode).toBe(6);
  expect(told).toContain('add --yes shop');
  expect(started).toHaveLength(1);
});

it('wants the tables confirmed that would go with their database and not come back', async () => {
  const tables = [
    { database: 'shop', table: 'buffer', uuid: 'a', engine: 'Buffer', rows: null },
    { database: 'shop', table: 'extra', uuid: 'b', engine: 'MergeTree', rows: 7 },
    { database: 'shop', table: '.inner_id.42', uuid: 'c', engine: 'MergeTree', rows: 7 },
  ];
  const { asked, started } = await restore(['shop', '--mode', 'replace', '--yes', 'shop'], {
    ...replacing,
    before: { ...replacing.before, tables },
    caller: { answers: ['shop.extra'] },
  });
  expect(asked).toEqual([expect.stringContaining('The table "shop.extra" is dropped')]);
  expect(started[1]?.input).toMatchObject({ confirm: ['shop', 'shop.extra'] });
});

it('shows with --dry-run what will have to be typed, and does not call it a refusal', async () => {
  const {
    exitCode,
    flat: shown,
    json,
  } = await restore(['shop', '--mode', 'replace', '--dry-run'], replacing);
  expect(exitCode).toBe(0);
  expect(shown).toContain('It will ask for "shop" to be typed.');
  expect(json).toBeUndefined();
});

it('asks for the word append', async () => {
  const { asked, started } = await restore(['shop', '--mode', 'append', '--table', 'shop.events'], {
    plan: { mode: 'append', databases: [{ from: 'shop', to: 'shop', whole: false }] },
    before: { findings: [CONFIRMATION] },
    caller: { answers: ['append'] },
  });
  expect(asked).toEqual([expect.stringContaining('Type append to go on')]);
  expect(started[1]?.input).toEqual({
    target: 'shop',
    mode: 'append',
    tables: [{ database: 'shop', table: 'events' }],
    backup: BACKUP,
    confirm: ['append'],
  });
});

it('ends with 5 when what was restored is not what the backup holds, and shows the bad tables first', async () => {
  const tables = [
    ...Array.from({ length: 60 }, (_, index) => ({ ...COMPARED, table: `good${index}` })),
    {
      ...COMPARED,
      table: 'bad',
      rows: 1,
      comparison: 'different' as const,
      what: '1,234,566 rows are missing.',
    },
  ];
  const {
    exitCode,
    stdout,
    flat: shown,
    told,
  } = await restore(['shop'], {
    report: { outcome: 'different', tables },
    views: [failed('RestoreDifferent', 'Different.')],
  });
  expect(exitCode).toBe(5);
  expect(stdout).toMatch(/^DIFFERENT from the backup/);
  expect(stdout).toMatch(/COMPARED\n {2}shop_restored\.bad +1,234,567 +1 +3 +different$/m);
  expect(shown).toContain('shop_restored.bad 1,234,566 rows are missing.');
  expect(shown).toContain('and 21 more, none of them bad');
  expect(shown).toContain('61 tables: 60 identical, 1 different.');
  expect(told).toContain('What was restored is not what the backup holds: 1 table.');
  expect(stdout).not.toContain('EXCHANGE');
});

it('says of one that failed what was dropped again and what was left', async () => {
  const {
    exitCode,
    stdout,
    flat: shown,
    told,
  } = await restore(['shop'], {
    report: {
      outcome: 'failed',
      isWhole: false,
      tables: [],
      dropped: [
        { kind: 'database', database: 'shop_restored', table: null },
        { kind: 'table', database: 'shop', table: 'a b' },
      ],
      left: [
        { what: 'shop.events has 12 rows of this restore.', statement: 'TRUNCATE TABLE `shop`.`events`' },
      ],
      failure: {
        class: 'fix and stop',
        error: 'NOT_ENOUGH_SPACE',
        what: 'The disk is full.',
        remedy: 'Make room.',
      },
    },
    views: [failed('NOT_ENOUGH_SPACE', 'The disk is full.')],
  });
  expect(exitCode).toBe(4);
  expect(stdout).toMatch(/^Failed/);
  expect(shown).toContain('Taken away database shop_restored, shop.a b: this restore had brought it');
  expect(stdout).toContain('\nTRUNCATE TABLE `shop`.`events`;\n');
  expect(told).toContain('Error: The disk is full. To do: Make room.');
});

it('says that what was to be replaced is gone, where the restore then failed', async () => {
  const { exitCode, flat: shown } = await restore(['shop', '--mode', 'replace', '--yes', 'shop'], {
    ...replacing,
    replaced: true,
    report: { outcome: 'failed', isWhole: false, tables: [] },
    views: [failed('S3_ERROR', 'An object is missing.')],
  });
  expect(exitCode).toBe(4);
  expect(shown).toContain('Replaced database shop: dropped, and NOT there now.');
});

it('says that everything is in place where only what followed failed', async () => {
  const report: Partial<RestoreReport> = { outcome: 'failed', tables: [] };
  const { exitCode, flat: shown } = await restore(['shop'], {
    report,
    views: [failed('OutOfTime', 'Slow.')],
  });
  expect(exitCode).toBe(4);
  expect(shown).toContain('In place ClickHouse had brought the restore to its end');
  const dropped = await restore(['shop'], {
    report: { ...report, isWhole: false },
    views: [failed('X', 'x')],
  });
  expect(dropped.flat).not.toContain('In place');
});

it.each([
  ['BackupNotChosen', 3],
  ['InvalidInput', 2],
  ['TemporarilyUnavailable', 4],
])('ends with a code of its own when the plan fails with %s', async (error, code) => {
  const { exitCode, told } = await restore(['shop'], {
    dryRun: [failed(error, 'There is none.')],
    plan: { execution: 'other' },
  });
  expect(exitCode).toBe(code);
  expect(told).toContain('Error: There is none.');
});

it('says how to clean up after an execution that somebody stopped', async () => {
  const { exitCode, told, id } = await restore(['shop'], { report: null, views: [{ status: 'aborted' }] });
  expect(exitCode).toBe(4);
  expect(told).toContain('What it had begun may still run or stand there.');
  expect(told).toContain(`npx safehouse cancel ${id}`);
});

it('concludes nothing from an execution that ended well and left no report', async () => {
  const { exitCode, told } = await restore(['shop'], { report: null });
  expect(exitCode).toBe(4);
  expect(told).toContain('the ledger has no report of it');
});

it('does not hide that something failed after the data was restored', async () => {
  const { exitCode, stdout, told } = await restore(['shop'], {
    views: [failed('AccessDenied', 'The topic could not be told.')],
  });
  expect(exitCode).toBe(4);
  expect(stdout).toMatch(/^Restored/);
  expect(told).toContain('The topic could not be told.');
});

it('lets go at Ctrl-C, and says how to cancel', async () => {
  let looks = 0;
  const interruption = new AbortController();
  const { exitCode, told, id } = await restore(['shop'], {
    views: [
      {
        status: 'running',
        get state() {
          looks += 1;
          if (looks > 0) interruption.abort();
          return 'Poll';
        },
      },
    ],
    caller: { interrupt: interruption.signal },
  });
  expect(exitCode).toBe(130);
  expect(told).toContain('The restore of shop goes on without you.');
  expect(told).toContain(`To cancel it: npx safehouse cancel ${id}`);
});

it('shows how many bytes are restored, of how many', async () => {
  const poll = {
    outcome: 'running',
    submittedAt: '2026-04-02T09:00:00Z',
    waitSeconds: 2,
    server: null,
    progress: { files: 3, bytes: 12_600_000_000 },
    movedAt: '2026-04-02T09:00:00Z',
    silentSince: null,
    polls: 1,
    failure: null,
  } as const;
  const { stderr } = await restore(['shop'], { views: [{ state: 'Poll', poll }, SUCCEEDED] });
  expect(stderr).toContain('Restoring  restore of shop  [###.......]  12.6 GB of 42.0 GB');
});

it('takes the beginning of an id, and refuses one that there is not', async () => {
  const { started } = await restore(['shop', '--backup', BACKUP.slice(0, 13), '--dry-run']);
  expect(started[0]?.input).toMatchObject({ backup: BACKUP });
  const none = await restore(['shop', '--backup', '1999']);
  expect(none.exitCode).toBe(3);
  expect(none.started).toEqual([]);
});

it('restores to another target, where its plan is looked for', async () => {
  const {
    exitCode,
    flat: shown,
    started,
  } = await restore(['shop', '--to', 'mes', '--dry-run'], { plan: { to: 'mes' } });
  expect(exitCode).toBe(0);
  expect(started[0]?.input).toMatchObject({ target: 'shop', to: 'mes' });
  expect(shown).toContain('To mes, ClickHouse 26.7.2.1');
});

it('drills without names of its own, and says that it passed', async () => {
  const { exitCode, stdout, started } = await restore(['shop', '--drill'], {
    plan: { drill: true, databases: [{ from: 'shop', to: 'safehouse_drill_0000_shop', whole: true }] },
  });
  expect(exitCode).toBe(0);
  expect(started[1]?.input).toEqual({ target: 'shop', drill: true, backup: BACKUP });
  expect(stdout).toMatch(/^Drill passed/);
  expect(stdout).not.toContain('EXCHANGE');
});

it('survives names that would act on a terminal', async () => {
  const hostile = '\u001b[2J`we"ird`\'; DROP\u202e';
  const { exitCode, stdout } = await restore(['shop', '--dry-run'], {
    plan: {
      databases: [{ from: hostile, to: 'x', whole: true }],
      leftOut: [{ database: hostile, table: hostile, why: 'so' }],
    },
  });
  expect(exitCode).toBe(0);
  expect(stdout).not.toContain('\u001b[2J');
  expect(stdout).not.toContain('\u202e');
  expect(stdout).toContain('`we"ird`\'; DROP');
});

it.each([80, 120])('fits a terminal of %i columns', async (columns) => {
  const { stdout, flat: shown } = await restore(['shop', '--mode', 'replace', '--dry-run'], {
    ...replacing,
    before: {
      databases: ['shop'],
      findings: [CONFIRMATION, DISK, { ...DISK, weight: 'notice' }],
      statement: 'RESTORE',
    },
    plan: { ...REPLACE, databases: [{ from: 'shop', to: `shop_${'restored_'.repeat(5)}`, whole: true }] },
    caller: { columns },
  });
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
  expect(shown).toContain('Confirm: These would be dropped');
});
