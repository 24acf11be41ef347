import { beforeEach, describe, expect, it } from 'vitest';
import { faultyS3, type S3Answer, type S3Asked } from './faulty-s3.ts';
import { type MadeBackup, ProvingGround } from './proving-ground.ts';

const ground = new ProvingGround();
const s3 = faultyS3();

let made: { full: MadeBackup; incremental: MadeBackup } | undefined;
let target = '';
const SETTINGS = {
  databases: ['shop'],
  prove: { assertions: [{ query: 'SELECT sum(id) > 0 FROM events' }] },
};

beforeEach(async () => {
  s3.fault = () => undefined;
  if (made !== undefined) return ground.setTarget(target, SETTINGS);
  await ground.tell(
    'CREATE DATABASE shop',
    // Wide, so that one file of it can be refused that a question or a mount does not need.
    `CREATE TABLE shop.events (id UInt64, s String) ENGINE = MergeTree PARTITION BY id % 4 ORDER BY id
     SETTINGS min_bytes_for_wide_part = 0`,
    'INSERT INTO shop.events SELECT number, toString(number) FROM numbers(1000)',
  );
  target = ground.addTarget(SETTINGS);
  made = { full: await ground.backUp(target), incremental: await ground.backUp(target, 'incremental') };
});

const known = () => {
  if (made === undefined) throw new Error('nothing was made');
  return made;
};

/** Refuses files whose key ends so, the first so many times. */
const refuse = (end: string, answer: S3Answer, times = Number.POSITIVE_INFINITY): (() => number) => {
  let refused = 0;
  s3.fault = ({ method, key }: S3Asked) => {
    if (method !== 'GET' || !key.endsWith(end) || refused >= times) return undefined;
    refused += 1;
    return answer;
  };
  return () => refused;
};

const DENIED: S3Answer = { status: 403, code: 'AccessDenied' };
/** What the engine takes for passing: it tries four times. */
const PASSING: S3Answer = { status: 400, code: 'ExpiredToken' };

const NOT_READING = {
  verdict: 'failed',
  failure: { error: 'ProverNotReading', class: 'retry the same' },
} as const;

describe('an engine that cannot read', { timeout: 120_000 }, () => {
  it.each([
    ['the definition', 'events.sql', DENIED],
    ['a part', '/1_2_2_0/checksums.txt', DENIED],
    ['a part, which is tried again', '/1_2_2_0/checksums.txt', PASSING],
    ['a column', '/1_2_2_0/s.bin', DENIED],
    ['a column, which it passes unread (ClickHouse#112874)', '/1_2_2_0/s.bin', PASSING],
    ['what an assertion asks for', '/1_2_2_0/id.bin', DENIED],
  ])('because S3 refuses %s, has not refuted the backup, and has not proven it', async (_, end, answer) => {
    const { full } = known();
    const refused = refuse(end, answer);
    const proof = await ground.prove(full);
    expect(refused()).toBeGreaterThan(0);
    // What the functions themselves read is refused to them as well.
    expect(proof).toMatchObject(
      end.endsWith('.txt') && answer === DENIED
        ? { verdict: 'failed', failure: { error: 'AccessDenied' } }
        : NOT_READING,
    );
    expect(await ground.failed(full)).toBeUndefined();
    expect(await ground.keys(`ledger/${target}/${full.id}/proven`)).toEqual([]);
  });

  it('reads again what it could not read at first, and then it is proven', async () => {
    const { full } = known();
    const refused = refuse('/1_2_2_0/s.bin', PASSING, 5);
    expect(await ground.prove(full)).toMatchObject({ verdict: 'proven' });
    expect(refused()).toBe(5);
  });
});

describe('damage on a bad day', { timeout: 60_000 }, () => {
  it('is found all the same', async () => {
    const { full } = known();
    s3.fault = ({ key }) =>
      key.endsWith('/1_2_2_0/s.bin')
        ? PASSING
        : key.endsWith('/2_3_3_0/s.bin')
          ? { status: 404, code: 'NoSuchKey' }
          : undefined;
    expect(await ground.prove(full, { name: 'bad-day' })).toMatchObject({
      verdict: 'failed',
      failure: { error: 'ProofRefuted' },
    });
    const { findings } = await ground.findings(full, 'bad-day');
    expect(findings).toMatchObject([{ table: 'shop.events', part: '2_3_3_0', file: 's.bin' }]);
    await ground.forgive(full);
  });
});

describe('the prover', { timeout: 60_000 }, () => {
  it('reads with the credentials of its function, signs everything, and writes nothing below backups/', async () => {
    s3.asked.length = 0;
    expect(await ground.prove(known().incremental)).toMatchObject({ verdict: 'proven' });
    const ofBackups = s3.asked.filter(({ key }) => key.includes('/backups/'));
    expect(ofBackups.length).toBeGreaterThan(100);
    expect(new Set(ofBackups.map(({ method }) => method))).toEqual(new Set(['GET', 'HEAD']));
    expect(ofBackups.filter(({ authorization }) => !authorization.includes('Credential=local/'))).toEqual([]);
  });
});
