/** What `doctor` finds out about deletes, with the credentials that ClickHouse has from Safehouse. */
import '../../support/function-environment.ts';
import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { AssumeRoleCommand } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Examination } from '../../../core/installation.ts';
import { handler } from '../../../functions/doctor/examine.ts';
import { awsError, mockSts } from '../../support/aws.ts';
import { EXECUTION, serveShop } from '../../support/runs.ts';
import { invoke, Surroundings } from '../../support/surroundings.ts';

const around = new Surroundings();
const sts = mockSts();
let s3 = mockClient(S3Client);
s3.restore();

beforeEach(() => {
  s3 = mockClient(S3Client);
  s3.onAnyCommand().rejects(new Error('unexpected command'));
  serveShop(around.clickhouse)
    .on(/SELECT currentUser/, [{ user: 'backup' }])
    .on(/^CHECK GRANT/, { status: 200, body: '1\n' })
    .on(/^BACKUP/, [{ id: 'a', status: 'CREATING_BACKUP' }])
    .on(/LEFT JOIN/, [{ server: 'A', uptime: 7, status: 'BACKUP_CREATED', error: '', alive: 1 }]);
});
afterEach(() => s3.restore());

let secrets = 0;

/** Names that nobody has read yet: what was read is remembered for a minute. */
function keys(): object {
  secrets += 1;
  const [accessKeyId, secretAccessKey] = [{ ssm: `/id/${secrets}` }, { ssm: `/secret/${secrets}` }];
  around.setParameter(accessKeyId.ssm, 'AKIDOFTHEWRITER');
  around.setParameter(secretAccessKey.ssm, 'secret of the writer');
  return { access: 'keys', accessKeyId, secretAccessKey };
}

async function examine(overrides: object): Promise<{ target: string; found: Examination[] }> {
  const target = around.addTarget({ ...overrides });
  const { examinations } = await invoke(handler, { execution: EXECUTION, input: { target } });
  return { target, found: examinations };
}

const deletes = ({ found }: { found: Examination[] }) => found.find(({ check }) => check === 'deletes');

describe('what ClickHouse may delete', () => {
  it('is nothing, where S3 refuses it', async () => {
    s3.on(DeleteObjectCommand).rejects(awsError('AccessDenied', 403));
    const examined = await examine({ s3: keys() });
    expect(deletes(examined)).toMatchObject({ result: 'good', remedy: '' });
    const [tried] = s3.commandCalls(DeleteObjectCommand);
    expect(tried?.args[0].input.Key).toMatch(
      new RegExp(`^backups/${examined.target}/canary/\\d{8}T\\d{6}Z-[0-9a-f]{6}/\\.backup$`),
    );
    expect(await tried?.thisValue.config.credentials()).toMatchObject({ accessKeyId: 'AKIDOFTHEWRITER' });
  });

  it('is bad when it is more than its locks', async () => {
    s3.on(DeleteObjectCommand).resolves({});
    const examined = await examine({ s3: keys() });
    expect(deletes(examined)).toMatchObject({
      result: 'bad',
      what: expect.stringContaining("ClickHouse's credentials may delete backups, and should not"),
      remedy: expect.stringContaining(`npx safehouse policy ${examined.target}`),
    });
  });

  it('is bad news of its own when S3 does not say', async () => {
    s3.on(DeleteObjectCommand).rejects(awsError('InternalError', 500));
    expect(deletes(await examine({ s3: keys() }))).toMatchObject({
      result: 'bad',
      what: expect.stringContaining('Could not try to delete'),
    });
  });

  it('is tried with the session that ClickHouse would have', async () => {
    s3.on(DeleteObjectCommand).rejects(awsError('AccessDenied', 403));
    sts()
      .on(AssumeRoleCommand)
      .resolves({
        Credentials: {
          AccessKeyId: 'ASIAOFTHESESSION',
          SecretAccessKey: 'b',
          SessionToken: 'token',
          Expiration: new Date(),
        },
      });
    const access = { access: 'sts', roleArn: 'arn:aws:iam::123456789012:role/w', namedCollection: 'vault' };
    expect(deletes(await examine({ s3: access }))?.result).toBe('good');
    const [tried] = s3.commandCalls(DeleteObjectCommand);
    expect(await tried?.thisValue.config.credentials()).toMatchObject({
      accessKeyId: 'ASIAOFTHESESSION',
      sessionToken: 'token',
    });
  });

  it('is not tried where nothing could be written', async () => {
    around.clickhouse.on(/^BACKUP/, { code: 62, name: 'SYNTAX_ERROR', text: 'Syntax error' });
    expect(deletes(await examine({ s3: keys() }))).toMatchObject({
      result: 'not checked',
      what: 'Nothing was written that could be deleted.',
    });
  });

  it('is not tried with credentials that the server alone has', async () => {
    expect(deletes(await examine({ s3: { access: 'server' } }))).toBeUndefined();
  });
});

describe('a canary', () => {
  it('of a target with incrementals is read again as the base of another', async () => {
    const schedule = { full: 'cron(0 2 ? * SUN *)', incremental: 'cron(0 2 ? * MON-SAT *)' };
    const { found } = await examine({ schedule });
    const trials = around.clickhouse.askedFor(/^BACKUP/);
    expect(trials).toHaveLength(2);
    expect(trials[1]?.query).toMatch(/base_backup = S3/);
    expect(found.find(({ check }) => check === 'bucket')?.what).toMatch(
      /It read it again as the base of another\.$/,
    );
  });

  it('that cannot be read again is bad, with what S3 said', async () => {
    const schedule = { full: 'cron(0 2 ? * SUN *)', incremental: 'cron(0 2 ? * MON-SAT *)' };
    const refused =
      'Code: 499. DB::Exception: Access Denied: while reading key: backups/x/.backup, from bucket: b. (S3_ERROR)';
    around.clickhouse.on(/LEFT JOIN/, ({ parameters }) => [
      JSON.stringify(parameters).includes('-incr')
        ? { server: 'A', uptime: 7, status: 'BACKUP_FAILED', error: refused, alive: 0 }
        : { server: 'A', uptime: 7, status: 'BACKUP_CREATED', error: '', alive: 1 },
    ]);
    const { found } = await examine({ schedule });
    expect(found.find(({ check }) => check === 'bucket')).toMatchObject({ result: 'bad' });
  });
});
