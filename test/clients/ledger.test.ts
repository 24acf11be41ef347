import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { deleteObject, putOnce } from '../../clients/bucket.ts';
import { readEvidence, readLedger, record, requireEvidence } from '../../clients/ledger.ts';
import { ledgerKey } from '../../core/keys.ts';
import { serveBucket } from '../local/bucket/served-bucket.ts';
import { awsError, mockS3 } from '../support/aws.ts';
import { failureOf } from '../support/failures.ts';
import { write } from '../support/ledger.ts';

const ID = '20260402T020000Z-full-k3f9';

describe('the ledger', () => {
  const served = serveBucket();
  const bucket = () => ({ name: 'safehouse', client: served().s3 });

  it('keeps the first evidence of a state, and gives it to whoever repeats it', async () => {
    const first = await record(bucket(), 'once', ID, 'kept', { by: 'one', reason: 'the audit' });
    expect(first).toEqual({
      written: true,
      evidence: {
        version: 1,
        target: 'once',
        id: ID,
        at: expect.any(String),
        by: 'one',
        reason: 'the audit',
      },
    });
    const second = await record(bucket(), 'once', ID, 'kept', { by: 'other', reason: 'something else' });
    expect(second).toEqual({ written: false, evidence: first.evidence });
    expect(await requireEvidence(bucket(), 'once', ID, 'kept')).toEqual(first.evidence);
  });

  it('lets one of many writers write, and all of them see the same', async () => {
    const records = await Promise.all(
      Array.from({ length: 10 }, (_, writer) =>
        record(bucket(), 'race', ID, 'kept', { by: String(writer), reason: 'first' }),
      ),
    );
    expect(records.filter(({ written }) => written)).toHaveLength(1);
    expect(new Set(records.map(({ evidence }) => evidence.by)).size).toBe(1);
  });

  it('knows states by listing alone, of one target or of all', async () => {
    await write(bucket(), 'listed', ID, 'started');
    await write(bucket(), 'listed', ID, 'verified');
    await putOnce(bucket(), 'ledger/listed/notes.txt', {});
    const { entries, strangers } = await readLedger(bucket(), 'listed');
    expect(entries).toMatchObject([
      { target: 'listed', id: ID, states: { started: expect.any(Number), verified: expect.any(Number) } },
    ]);
    expect(strangers).toEqual(['ledger/listed/notes.txt']);
    const all = await readLedger(bucket());
    expect(all.entries.map(({ target }) => target)).toContain('listed');
    expect((await readLedger(bucket(), 'liste')).entries).toEqual([]);
  });

  it('has no evidence for a state that was never reached', async () => {
    expect(await readEvidence(bucket(), 'never', ID, 'verified')).toBeUndefined();
    const failure = await failureOf('IncompleteReading', requireEvidence(bucket(), 'never', ID, 'verified'));
    expect(failure.what).toBe(`ledger/never/${ID}/verified.json was there a moment ago and is gone.`);
  });

  it('takes no evidence of a newer release for its own', async () => {
    await putOnce(bucket(), ledgerKey('newer', ID, 'kept'), { version: 2 });
    await failureOf('IncompleteReading', readEvidence(bucket(), 'newer', ID, 'kept'));
    await failureOf('IncompleteReading', record(bucket(), 'newer', ID, 'kept', { by: 'x', reason: 'y' }));
  });

  it('lets a state be reached again after it was taken back', async () => {
    await write(bucket(), 'again', ID, 'expiring', { reason: 'one' });
    await deleteObject(bucket(), ledgerKey('again', ID, 'expiring'));
    expect((await write(bucket(), 'again', ID, 'expiring', { reason: 'other' })).reason).toBe('other');
  });
});

describe('the ledger, where S3 answers with errors', () => {
  const s3 = mockS3();
  const bucket = { name: 'backups', client: new S3Client({}) };
  const keep = () => record(bucket, 'logs', ID, 'kept', { by: 'me', reason: 'why' });

  it('says that it was not written', async () => {
    s3().on(PutObjectCommand).rejects(awsError('AccessDenied', 403));
    const failure = await failureOf('Refused', keep());
    expect(failure.what).toContain(`write ledger/logs/${ID}/kept.json in backups`);
  });

  it('does not invent evidence when what was there is gone', async () => {
    s3().on(PutObjectCommand).rejects(awsError('PreconditionFailed', 412));
    s3().on(GetObjectCommand).rejects(awsError('NoSuchKey', 404));
    await failureOf('IncompleteReading', keep());
  });
});
