/** Keys that nobody of Safehouse's wrote, wherever it lists: they are reported or passed over, and nothing is done to them. */
import '../support/function-environment.ts';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listObjects } from '../../clients/bucket.ts';
import { record } from '../../clients/ledger.ts';
import { readPins } from '../../clients/pins.ts';
import { readProofs } from '../../clients/proofs.ts';
import { makeBackupId } from '../../core/backup-id.ts';
import { ENVIRONMENT } from '../../core/environment.ts';
import { foldLedger } from '../../core/ledger.ts';
import { handler as planRetention } from '../../functions/retention/plan.ts';
import { handler as watch } from '../../functions/watch/publish-ages.ts';
import { call } from '../cli/call.ts';
import { DAY, makeVerified, openTestHouse, type TestHouse } from '../cli/house.ts';
import { FOREIGN_TEXT } from '../core/hostile-text.ts';
import { EXECUTION } from '../support/runs.ts';
import { invoke, Surroundings } from '../support/surroundings.ts';
import { BadInputs, UNSEEN_IN_LINES } from './bad-inputs.ts';

const ID = '20260402T020000Z-full-k3f9';
const NOW = Date.UTC(2026, 3, 3, 9);
const TIME = { timeout: 120_000 };

const SEGMENT = fc.oneof(
  fc.constantFrom(
    ID,
    'shop',
    '..',
    '.',
    '',
    'started.json',
    'verified.json',
    'removed.json',
    'proven@20260402T020000Z.json',
    'proven@.json',
    'restore@x.json',
    '__proto__',
    'constructor.json',
    'holds',
    'adopted',
    '99999999T999999Z-full-aaaa',
    '\u001b[2J.json',
    'verified.json\u0000',
    'VERIFIED.JSON',
    '%2e%2e%2f',
    'a'.repeat(900),
  ),
  FOREIGN_TEXT,
);
const key = (prefix: string) =>
  fc.array(SEGMENT, { minLength: 1, maxLength: 4 }).map((segments) => `${prefix}${segments.join('/')}`);

test(
  'any key of the ledger is a state of a backup or a stranger, and never both or neither',
  TIME,
  ({ task }) => {
    const inputs = new BadInputs();
    fc.assert(
      fc.property(fc.array(key('ledger/'), { minLength: 1, maxLength: 20 }), (keys) => {
        const listing = keys.map((each) => ({ key: each, lastModified: 1 }));
        const folded = inputs.answer(() => foldLedger(listing));
        if (folded instanceof Error) throw folded;
        for (const { target, id } of folded.entries) {
          expect(id).toMatch(/^\d{8}T\d{6}Z-(?:full|incr)-[a-z0-9]+$/);
          expect(target).not.toContain('/');
          expect(keys.some((each) => each.startsWith(`ledger/${target}/${id}/`))).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
    inputs.report(task);
  },
);

/** As S3 takes them: at most 1,024 bytes. */
const STRANGE = [
  `ledger/shop/${ID}/verified.json/more`,
  'ledger/shop/../other/verified.json',
  'ledger/shop/\u001b[2J/verified.json',
  `ledger/shop/${ID}/\u202efdp.json`,
  `ledger/shop/${ID}/proven@2026-04-02.json`,
  `ledger/shop/${ID}/restore@\u0007.json`,
  `ledger/shop/${ID}/__proto__.json`,
  'ledger/shop/__proto__/verified.json',
  `ledger/shop/${'a'.repeat(900)}`,
  'ledger//verified.json',
  'ledger/shop/',
  `pins/shop/${ID}/a/b.json`,
  `pins/shop/${ID}/\u001b]0;x\u0007.json`,
  'pins/shop/x',
  'pins/shop//y.json',
  'restores/shop/holds/..%2f/1.json',
  'restores/shop/x/plan.json',
  `proofs/shop/${ID}/../plan.json`,
  `backups/shop/${ID}/../../../ledger/x`,
  'backups/shop/\u001b[31m/x',
];

describe('strangers in the bucket', TIME, () => {
  const around = new Surroundings();
  const seen = async (prefix: string): Promise<string[]> => {
    const keys: string[] = [];
    for await (const object of listObjects(around.bucket, prefix)) keys.push(object.key);
    return keys;
  };

  test('are never removed, and keep no rule from being kept', async ({ task }) => {
    const inputs = new BadInputs();
    const target = around.addTarget({ retention: { last: 1, minimum: 1, maxShare: 1, graceDays: 1 } });
    const strange = STRANGE.map((each) => each.replace('/shop/', `/${target}/`));
    for (const each of strange)
      await around.bucket.client.send(
        new PutObjectCommand({ Bucket: around.bucket.name, Key: each, Body: '{"version":1,' }),
      );
    const ids = [3, 2, 1].map((days) => makeBackupId(Date.now() - days * DAY, 'full', 'aaaa'));
    for (const id of ids) await makeVerified(around.bucket, id, { target });
    const before = await seen('');
    const plan = await inputs.answered(() =>
      invoke(planRetention, { execution: EXECUTION, input: { target } }),
    );
    if (plan instanceof Error) throw plan;
    expect(plan).toMatchObject({ remove: [], marked: 2, kept: 1 });
    process.env[ENVIRONMENT.targets] = target;
    expect(await inputs.answered(() => invoke(watch, {}))).toMatchObject({
      published: [target],
      unreadable: [],
    });
    for (const id of [...ids, ID, '..', '__proto__']) {
      await inputs.answered(() => readPins(around.bucket, target, id));
      await inputs.answered(() => readProofs(around.bucket, { target, id }));
    }
    const after = await seen('');
    expect(after.filter((each) => !before.includes(each)).map((each) => each.split('/').at(-1))).toEqual([
      'expiring.json',
      'expiring.json',
    ]);
    expect(before.filter((each) => !after.includes(each))).toEqual([]);
    inputs.report(task);
  });

  test('with a page that is no evidence conclude nothing, and say so', async ({ task }) => {
    const inputs = new BadInputs();
    const target = around.addTarget();
    await record(around.bucket, target, ID, 'kept', { by: 'x', reason: 'y' });
    const pages = fc.oneof(
      FOREIGN_TEXT,
      fc.json(),
      fc.json().map((json) => `{"version":1,"target":${json}}`),
    );
    await fc.assert(
      fc.asyncProperty(pages, async (page) => {
        const place = `ledger/${target}/${ID}/proven.json`;
        await around.bucket.client.send(
          new PutObjectCommand({ Bucket: around.bucket.name, Key: place, Body: Buffer.from(page) }),
        );
        expect(await inputs.answered(() => readProofs(around.bucket, { target, id: ID }))).toMatchObject({
          name: 'IncompleteReading',
        });
      }),
      { numRuns: 150 },
    );
    inputs.report(task);
  });
});

describe('strangers on the screen', TIME, () => {
  let house: TestHouse;
  beforeAll(async () => {
    house = await openTestHouse();
    for (const each of STRANGE)
      await house.bucket.client.send(
        new PutObjectCommand({ Bucket: house.bucket.name, Key: each, Body: '{"version":1}' }),
      );
    await makeVerified(house.bucket, ID);
  });
  afterAll(() => house.stop());

  test.each([
    [['list']],
    [['list', '--all']],
    [['list', '--json']],
    [['status']],
    [['status', '--json']],
    [['show', ID]],
    [['show', 'latest', '--json']],
    [['retention', 'shop']],
  ])('%j shows nothing that acts on a terminal', async (typed) => {
    const { exitCode, stdout, stderr } = await call(typed, {
      open: async () => house.installation(),
      now: NOW,
      columns: 100,
    });
    expect(exitCode).not.toBe(1);
    expect(`${stdout}${stderr}`).not.toMatch(UNSEEN_IN_LINES);
    expect(stdout).toContain(ID);
  });
});
