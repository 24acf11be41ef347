/** Failures that somebody must hear of, the ways on which they are told, and what must not be in them. */
import '../support/function-environment.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { PublishCommand } from '@aws-sdk/client-sns';
import { describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { getJson, listObjects } from '../../clients/bucket.ts';
import { makeBackupId } from '../../core/backup-id.ts';
import { deploymentSchema } from '../../core/deployment.ts';
import { deploymentParameter } from '../../core/environment.ts';
import { backupPrefix, MANIFEST } from '../../core/keys.ts';
import { handler as prepare } from '../../functions/backup/prepare.ts';
import { handler as recordFailure } from '../../functions/backup/record-failure.ts';
import { logger } from '../../functions/step.ts';
import { type AwsEndpoint, DEPLOYMENT, startAwsEndpoint } from '../cli/aws-endpoint.ts';
import { startCommand } from '../cli/command-process.ts';
import { HOUR, makeProven, makeVerified, openTestHouse, shopTarget } from '../cli/house.ts';
import { headerOf, manifestOf, UUID } from '../core/generated-backup.ts';
import { textOf } from '../infra/references.ts';
import { build, messagesOf, minimal, resourcesOf, synthesise, type Template } from '../infra/synthesis.ts';
import { awsError } from '../support/aws.ts';
import { all } from '../support/failures.ts';
import { runOf, serveShop } from '../support/runs.ts';
import { carried, invoke, Surroundings } from '../support/surroundings.ts';
import { runNight } from './night.ts';

const around = new Surroundings();

/** A server that takes the BACKUP and fails it, with this text. */
const failWith = (error: string): void => endWith('BACKUP_FAILED', error);

/** A server that takes the BACKUP, and then says that of it. */
function endWith(status: 'BACKUP_CREATED' | 'BACKUP_FAILED', error = ''): void {
  serveShop(around.clickhouse)
    .on(/clusterAllReplicas/, [])
    .on(/^BACKUP/, [{ id: 'x', status: 'CREATING_BACKUP' }])
    .on(/LEFT JOIN/, [
      {
        server: 'A',
        uptime: 90_000,
        status,
        error,
        files: 5,
        bytes: 500,
        alive: 0,
        startTime: '2026-04-02 02:00:01',
        endTime: '2026-04-02 02:00:02',
      },
    ]);
}

/** What the stack leaves in SSM of its alarms. */
function alarmsRecordedIn(template: Template) {
  const [[, parameter] = []] = resourcesOf(template, 'AWS::SSM::Parameter').filter(
    ([, { Properties }]) => textOf(Properties['Name']) === deploymentParameter('Safehouse'),
  );
  return deploymentSchema.parse(JSON.parse(textOf(parameter?.Properties['Value']))).alarms;
}

/** The alarms of a stack as CloudWatch has them, under the names that CloudFormation gives. */
const alarmsOf = (template: Template, stackName: string, ringing: RegExp): AwsEndpoint['alarms'] =>
  resourcesOf(template, 'AWS::CloudWatch::Alarm').map(([id, { Properties }]) => ({
    AlarmName: `${stackName}-${id}-1A2B3C4D5E6F`,
    AlarmDescription: textOf(Properties['AlarmDescription']),
    StateValue: ringing.test(id) ? 'ALARM' : 'OK',
    StateTransitionedTimestamp: Date.parse('2026-04-02T09:30:00Z') / 1000,
    ActionsEnabled: true,
    AlarmActions: [DEPLOYMENT.topicArn],
  }));

const DENIED = 'Code: 497. DB::Exception: default: Not enough privileges. (ACCESS_DENIED)';

describe('the way on which a failure is told', () => {
  test('fault 45: that is closed fails the execution under a name of its own, and an alarm counts what nobody was told', async () => {
    const target = around.addTarget();
    around.sns.on(PublishCommand).rejects(awsError('AuthorizationError', 403, 'no'));
    failWith(DENIED);
    await expect(runNight({ target })).rejects.toMatchObject({ name: 'Refused' });
    expect(around.published.map(({ name }) => name)).not.toContain('AlertsSent');
    const [[, untold] = []] = resourcesOf(synthesise(minimal).template, 'AWS::CloudWatch::Alarm').filter(
      ([id]) => /FailedUntold/.test(id),
    );
    expect(JSON.stringify(untold?.Properties)).toContain('failed - FILL(told, 0)');
  });

  test('fault 45: a webhook that takes nothing leaves the alert in a queue with an alarm', () => {
    const { template } = synthesise({ ...minimal, alerts: { webhook: { ssm: '/webhook' } } });
    const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(([id]) => id);
    expect(alarms.some((id) => /WebhookDeadLetters/.test(id))).toBe(true);
  });

  test('fault 45: a webhook that takes nothing is said by status to whoever looks, with where to read on', {
    timeout: 60_000,
  }, async () => {
    const { template } = synthesise({ ...minimal, alerts: { webhook: { ssm: '/webhook' } } });
    const theirs = synthesise(minimal, { stackName: 'Safehouse-Test' }).template;
    const directory = await mkdtemp(join(tmpdir(), 'safehouse-status-'));
    const [house, aws] = await Promise.all([openTestHouse(), startAwsEndpoint()]);
    try {
      const id = makeBackupId(Date.now() - 3 * HOUR, 'full', 'good');
      await makeVerified(house.bucket, id);
      await makeProven(house.bucket, id);
      aws.parameters.set('/safehouse/Safehouse/targets/shop', JSON.stringify(shopTarget()));
      aws.parameters.set(
        deploymentParameter('Safehouse'),
        JSON.stringify({ ...DEPLOYMENT, alarms: alarmsRecordedIn(template) }),
      );
      const status = async (ringing: RegExp) => {
        // All of the other stack ring: they are not this one's.
        aws.alarms = [
          ...alarmsOf(theirs, 'Safehouse-Test', /./),
          ...alarmsOf(template, 'Safehouse', ringing),
        ];
        return startCommand({ house, aws, directory }, ['status']).ended;
      };
      const well = await status(/^$/);
      expect(well.stdout).toMatch(/^Alarms: None of \d+ alarms rings\.$/m);
      expect(well.stdout).toContain('All is well.');
      expect(well.code).toBe(0);
      const failing = await status(/WebhookDeadLetters/);
      expect(failing.stdout).toMatch(/^Alarms: 1 of \d+ alarms rings\.$/m);
      expect(failing.stdout.replaceAll(/\s+/g, ' ')).toContain(
        'Since 2026-04-02T09:30:00Z: The webhook did not take an alert. The alert itself is in the queue: read it there now. (docs/runbook.md#alarm-webhook-not-delivered)',
      );
      expect(failing.code).toBe(4);
    } finally {
      await Promise.all([house.stop(), aws.stop(), rm(directory, { recursive: true })]);
    }
  });

  test('fault 45: a deployment that nobody would hear, or on one way only, is told so at its synthesis', () => {
    const deaf = build({ ...minimal, alerts: {} });
    expect(messagesOf({ ...deaf, template: synthesise(minimal).template }).join('\n')).toMatch(/hear|alert/i);
    const oneWay = build({ ...minimal, alerts: { webhook: { ssm: '/webhook' } } });
    expect(messagesOf({ ...oneWay, template: synthesise(minimal).template }).join('\n')).toMatch(/webhook/i);
  });
});

describe('what a failure may say', () => {
  test('fault 51: holds no secret: not in alerts, the ledger, claims, logs, or the end of the execution', async () => {
    const secrets = [
      'pa55-PLANTED-word',
      'AKIAPLANTED0000000001',
      'PLANTEDsecretKey+/0123456789abcdefghijkl',
    ];
    const [password = '', keyId = '', key = ''] = secrets;
    around.setParameter('/planted/password', password);
    around.setParameter('/planted/id', keyId);
    around.setParameter('/planted/key', key);
    const target = around.addTarget({
      password: { ssm: '/planted/password' },
      s3: {
        access: 'keys',
        accessKeyId: { ssm: '/planted/id' },
        secretAccessKey: { ssm: '/planted/key' },
      },
    });
    const lines: string[] = [];
    for (const level of ['debug', 'info', 'warn', 'error'] as const)
      vi.spyOn(console, level).mockImplementation((...line: unknown[]) => void lines.push(line.join(' ')));
    logger.setLogLevel('DEBUG');
    failWith(
      `Code: 499. DB::Exception: Could not write S3('https://b.s3.amazonaws.com/x', '${keyId}', '${key}'), password='${password}', Authorization: AWS4-HMAC-SHA256 Credential=${keyId}/20260402/e/s3/aws4_request, secret_access_key = '${key}'. (S3_ERROR)`,
    );
    const night = await runNight({ target });
    logger.setLogLevel('SILENT');
    expect(night.status).toBe('failed');
    const keys = (await all(listObjects(around.bucket, ''))).map((object) => object.key);
    const objects = await Promise.all(
      keys.filter((name) => name.includes(target)).map((name) => getJson(around.bucket, name, z.unknown())),
    );
    const written = [JSON.stringify(objects), JSON.stringify(around.told), night.cause, lines.join('\n')];
    expect(objects.length).toBeGreaterThan(3);
    expect(lines.length).toBeGreaterThan(3);
    for (const text of written) for (const secret of secrets) expect(text).not.toContain(secret);
    // It went where it had to: to ClickHouse, and not in an address.
    const asked = around.clickhouse.askedFor(/^BACKUP/);
    expect(asked[0]?.password).toBe(password);
    for (const { address, query } of asked)
      for (const secret of secrets) expect(`${address}${query}`).not.toContain(secret);
  });

  test('fault 42: names the shard that failed, and nothing of the others is called good', async () => {
    const target = around.addTarget({ cluster: 'main', attempts: 1 });
    failWith(
      "Code: 999. DB::Exception: Coordination error: Host 'shard2-replica1:9000' failed: Connection loss. (KEEPER_EXCEPTION)",
    );
    const night = await runNight({ target });
    expect(night.status).toBe('failed');
    expect(around.told[0]?.text).toContain('shard2-replica1');
    expect(
      (await all(listObjects(around.bucket, `ledger/${target}/`))).map(({ key }) => key),
    ).not.toContainEqual(expect.stringContaining('verified'));
  });

  test('fault 42: a shard that is missing where ClickHouse reports success is named, and the backup is not good', async () => {
    const target = around.addTarget({ cluster: 'main', attempts: 1 });
    endWith('BACKUP_CREATED');
    around.clickhouse.on(
      /FROM system\.clusters/,
      [1, 2, 3].map((shard) => ({ shard, replica: 1, host: `shard-${shard}`, port: 9000 })),
    );
    const nightOf = (...shards: readonly number[]) =>
      runNight({ target }, async (step, call, state) => {
        if (step === 'submit') await putShards(target, state.prepared?.backup?.id ?? '', shards);
        return call();
      });
    const partial = await nightOf(1, 3);
    expect(partial).toMatchObject({ status: 'failed', error: 'VerificationFailed' });
    expect(around.told[0]?.text).toContain('Shard 2 of 3 was in the cluster when the backup began');
    const whole = await nightOf(1, 2, 3);
    expect(whole.status).toBe('verified');
    const keys = (await all(listObjects(around.bucket, `ledger/${target}/`))).map(({ key }) => key);
    expect(keys.filter((key) => key.endsWith('/verified.json'))).toEqual([
      `ledger/${target}/${whole.attempts[0]}/verified.json`,
    ]);
  });
});

/** As hosts with the same empty table would: the manifest names the definitions of each, the bucket has them once. */
async function putShards(target: string, id: string, shards: readonly number[]): Promise<void> {
  const definition = 'CREATE TABLE shop.orders (id UInt64) ENGINE = MergeTree ORDER BY id';
  const files = shards.map((shard) => ({
    name: `shards/${shard}/replicas/1/metadata/shop/orders.sql`,
    size: definition.length,
    checksum: 'a'.repeat(32),
    dataFile: 'shards/1/replicas/1/metadata/shop/orders.sql',
  }));
  const put = (Key: string, Body: string | Buffer) =>
    around.bucket.client.send(new PutObjectCommand({ Bucket: around.bucket.name, Key, Body }));
  const prefix = backupPrefix(target, id);
  await put(`${prefix}${files[0]?.dataFile}`, definition);
  await put(`${prefix}${MANIFEST}`, manifestOf({ header: headerOf(UUID), files }));
}

describe('very many tables', () => {
  test('fault 39: stay out of the state of the execution, which AWS limits to 256 KiB', async () => {
    const tables = Array.from({ length: 20_000 }, (_, n) => ({
      database: 'shop',
      name: `a_table_with_a_rather_long_name_${n}`,
      engine: 'MergeTree',
    }));
    serveShop(around.clickhouse).on(/FROM system\.tables/, tables);
    const target = around.addTarget();
    const state = await carried(invoke(prepare, runOf(target)));
    expect(JSON.stringify(state).length).toBeLessThan(2000);
    const failed = await carried(
      invoke(recordFailure, {
        execution: runOf(target).execution,
        run: {
          ...runOf(target),
          prepared: state,
          error: {
            Error: 'Refused',
            Cause: JSON.stringify({ errorType: 'Refused', errorMessage: 'x'.repeat(300_000) }),
          },
        },
      }),
    );
    expect(JSON.stringify(failed).length).toBeLessThan(256 * 1024);
  });
});
