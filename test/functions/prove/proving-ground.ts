/**
 * Real backups of a real engine in a real bucket, made and proven by the functions themselves, in the order in which the state
 * machines call them. Only SSM and SNS are made up.
 */

import '../../support/function-environment.ts';
import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { listObjects } from '../../../clients/bucket.ts';
import { type Evidence, readEvidence, requireEvidence } from '../../../clients/ledger.ts';
import { makeBackupId, parseBackupId } from '../../../core/backup-id.ts';
import { FileChecksum } from '../../../core/cityhash.ts';
import { ENVIRONMENT } from '../../../core/environment.ts';
import { SafehouseError } from '../../../core/errors.ts';
import type { Failure } from '../../../core/failure.ts';
import { quoteIdentifier } from '../../../core/identifiers.ts';
import { backupPrefix, ledgerKey, MANIFEST, proofItemKey, proofPlanKey } from '../../../core/keys.ts';
import type { LedgerTable } from '../../../core/ledger.ts';
import { type ManifestFile, ManifestReader } from '../../../core/manifest.ts';
import { type ProofPlan, type ProofResult, proofPlanSchema, proofResultSchema } from '../../../core/proof.ts';
import type { Poll } from '../../../core/workflow.ts';
import { handler as poll } from '../../../functions/backup/poll.ts';
import { handler as prepare } from '../../../functions/backup/prepare.ts';
import { handler as submit } from '../../../functions/backup/submit.ts';
import { handler as verify } from '../../../functions/backup/verify.ts';
import { handler as provedItem } from '../../../functions/prove/item.ts';
import { handler as judge } from '../../../functions/prove/judge.ts';
import { handler as plan } from '../../../functions/prove/plan.ts';
import { rowsOf, serveEngine } from '../../local/engine/served-engine.ts';
import { SETTINGS } from '../../support/function-environment.ts';
import { write } from '../../support/ledger.ts';
import { preparedRunOf, runOf } from '../../support/runs.ts';
import { carried, invoke, LOGIN, Surroundings, USERS } from '../../support/surroundings.ts';
import { LEAST } from '../../support/targets.ts';

Object.assign(process.env, {
  [ENVIRONMENT.bytesAnItem]: String(16 * 1024 ** 3),
  // The engine would otherwise look for the credentials of an instance.
  AWS_EC2_METADATA_DISABLED: 'true',
});

export interface MadeBackup {
  readonly target: string;
  readonly id: string;
}

export type Proven =
  | { readonly verdict: 'proven'; readonly evidence: Evidence<'proven'> }
  | { readonly verdict: 'failed'; readonly failure: Failure };

export interface ProofOptions {
  readonly level?: 'counts' | 'bytes';
  readonly occasion?: 'new' | 'again';
  /** Which execution of the state machine it is. */
  readonly name?: string;
}

const ARN = 'arn:aws:states:eu-central-1:123456789012:execution:Prove:';

/** A function's work may take as long as the real one has. */
const LAMBDA_MILLISECONDS = 900_000;

export class ProvingGround {
  readonly around = new Surroundings();
  readonly #engine = serveEngine({
    users: USERS,
    environment: {
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_REGION: 'eu-central-1',
    },
  });
  #executions = 0;
  #lastBackupSecond = 0;

  get url(): string {
    return this.#engine().server.url;
  }

  /** Runs statements on the server that is backed up. */
  async tell(...statements: readonly string[]): Promise<void> {
    for (const query of statements) await this.#engine().client.command({ query });
  }

  ask<Row>(query: string): Promise<Row[]> {
    return rowsOf<Row>(this.#engine().client, query);
  }

  addTarget(overrides: Readonly<Record<string, unknown>> = {}): string {
    return this.around.addTarget({ url: this.url, ...overrides });
  }

  /** The settings of a target that another test has added: what SSM was told is forgotten with each test. */
  setTarget(target: string, overrides: Readonly<Record<string, unknown>> = {}): void {
    const settings = {
      ...LEAST,
      url: this.url,
      user: LOGIN.user,
      password: { ssm: LOGIN.place },
      ...overrides,
    };
    this.around.setParameter(`${SETTINGS}${target}`, JSON.stringify(settings));
  }

  nextExecution(): string {
    this.#executions += 1;
    return `${ARN}proof-${this.#executions}`;
  }

  /** From `prepare` to `verify`. */
  async backUp(target: string, kind: 'full' | 'incremental' = 'full'): Promise<MadeBackup> {
    await this.#nextSecond();
    const execution = this.nextExecution();
    const run = runOf(target, { execution, kind, scheduledTime: null, slot: `manual/${this.#executions}` });
    const prepared = await carried(invoke(prepare, run));
    const { backup } = prepared;
    if (backup === null) throw new Error(`nothing was prepared: ${prepared.reason}`);
    this.#lastBackupSecond = (parseBackupId(backup.id)?.startedAt ?? 0) / 1000;
    if (backup.kind !== kind) throw new Error(`a ${backup.kind} backup was prepared: ${backup.id}`);
    let state: Poll = await carried(invoke(submit, { ...run, prepared }));
    while (state.outcome === 'running')
      state = await carried(invoke(poll, { ...run, prepared, poll: state }));
    if (state.outcome !== 'finished') throw new Error(`the backup is ${state.outcome}`);
    await invoke(verify, { ...run, prepared });
    return { target, id: backup.id };
  }

  /** Ids have whole seconds, and which of two fulls is the newer base must not be left to their letters. */
  async #nextSecond(): Promise<void> {
    const second = (): number => Math.floor(Date.now() / 1000);
    while (second() === this.#lastBackupSecond) await wait(20);
  }

  /** A backup that ClickHouse is told to make by hand, of databases that the functions would not find on this server. */
  async backUpByHand(
    target: string,
    databases: readonly string[],
    tables: readonly LedgerTable[],
  ): Promise<MadeBackup> {
    const execution = this.nextExecution();
    const id = makeBackupId(Date.now(), 'full', 'hand');
    const url = `${process.env['AWS_ENDPOINT_URL_S3']}/${this.around.bucket.name}/${backupPrefix(target, id)}`;
    const elements = databases.map((name) => `DATABASE ${quoteIdentifier(name)}`).join(', ');
    await this.tell(`BACKUP ${elements} TO S3('${url.slice(0, -1)}') SETTINGS id = '${id}'`);
    await write(this.around.bucket, target, id, 'started', {
      databases: [...databases],
      tables: [...tables],
    });
    await invoke(verify, preparedRunOf(target, { id }, { execution }));
    return { target, id };
  }

  /** From `plan` to `judge`, under the name of an execution. */
  async prove({ target, id }: MadeBackup, options: ProofOptions = {}): Promise<Proven> {
    const execution = options.name === undefined ? this.nextExecution() : `${ARN}${options.name}`;
    try {
      const { items, proof } = await this.plan({ target, id }, execution, options);
      for (const index of items) await this.proveItem({ target, id }, execution, proof, index);
      await this.judge({ target, id }, execution, proof);
      return { verdict: 'proven', evidence: await this.evidence({ target, id }) };
    } catch (error) {
      if (!(error instanceof SafehouseError)) throw error;
      return { verdict: 'failed', failure: error.failure };
    }
  }

  plan({ target, id }: MadeBackup, execution: string, { level, occasion }: ProofOptions = {}) {
    const input = { target, backup: id, ...(level && { level }), ...(occasion && { occasion }) };
    return carried(invoke(plan, { execution, input }, LAMBDA_MILLISECONDS));
  }

  proveItem({ target, id }: MadeBackup, execution: string, proof: string, index: number) {
    const input = { execution, target, backup: id, proof, index };
    return carried(invoke(provedItem, input, LAMBDA_MILLISECONDS));
  }

  judge({ target, id }: MadeBackup, execution: string, proof: string) {
    return carried(invoke(judge, { execution, target, backup: id, proof }));
  }

  async readPlan({ target, id }: MadeBackup, proof: string): Promise<ProofPlan> {
    return proofPlanSchema.parse(await this.json(proofPlanKey(target, id, proof)));
  }

  async readResult({ target, id }: MadeBackup, proof: string, index: number): Promise<ProofResult> {
    return proofResultSchema.parse(await this.json(proofItemKey(target, id, proof, index)));
  }

  /** All that a proof has found, and what it could not judge. */
  async findings(backup: MadeBackup, proof: string): Promise<Pick<ProofPlan, 'findings' | 'unjudged'>> {
    const plan = await this.readPlan(backup, proof);
    const results = await Promise.all(plan.items.map((_, index) => this.readResult(backup, proof, index)));
    return {
      findings: [plan, ...results].flatMap(({ findings }) => findings),
      unjudged: [plan, ...results].flatMap(({ unjudged }) => unjudged),
    };
  }

  evidence({ target, id }: MadeBackup): Promise<Evidence<'proven'>> {
    return requireEvidence(this.around.bucket, target, id, 'proven');
  }

  failed({ target, id }: MadeBackup): Promise<Evidence<'failed'> | undefined> {
    return readEvidence(this.around.bucket, target, id, 'failed');
  }

  // --- the bucket, behind everybody's back ---

  async get(key: string): Promise<Buffer> {
    const { client, name } = this.around.bucket;
    const { Body } = await client.send(new GetObjectCommand({ Bucket: name, Key: key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  }

  async json(key: string): Promise<unknown> {
    return JSON.parse((await this.get(key)).toString());
  }

  async put(key: string, body: Buffer): Promise<void> {
    const { client, name } = this.around.bucket;
    await client.send(
      new PutObjectCommand({ Bucket: name, Key: key, Body: body, ContentLength: body.length }),
    );
  }

  async remove(key: string): Promise<void> {
    const { client, name } = this.around.bucket;
    await client.send(new DeleteObjectCommand({ Bucket: name, Key: key }));
  }

  async keys(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of listObjects(this.around.bucket, prefix)) keys.push(key);
    return keys;
  }

  /** The manifest of a backup, and the key of the object that holds one of its files. */
  async manifest({ target, id }: MadeBackup): Promise<ManifestFile[]> {
    const files: ManifestFile[] = [];
    const reader = new ManifestReader((file) => files.push(file));
    reader.write(await this.get(`${backupPrefix(target, id)}.backup`));
    reader.end();
    return files;
  }

  /** The same backup under another target, whose settings differ. */
  async lend({ target, id }: MadeBackup, to: string): Promise<MadeBackup> {
    const prefix = backupPrefix(target, id);
    for (const key of await this.keys(prefix))
      await this.put(`${backupPrefix(to, id)}${key.slice(prefix.length)}`, await this.get(key));
    for (const state of ['started', 'verified'] as const)
      await this.put(ledgerKey(to, id, state), await this.get(ledgerKey(target, id, state)));
    return { target: to, id };
  }

  /**
   * Another backup of the same objects, as ClickHouse might have written it: with other files and another manifest, and verified.
   *
   * @param files what some files hold instead, by their names
   */
  async rewrite(
    { target, id }: MadeBackup,
    files: ReadonlyMap<string, (text: string) => string>,
    edit: (manifest: string) => string = (manifest) => manifest,
    rename: (key: string) => string = (key) => key,
  ): Promise<MadeBackup> {
    const { bucket } = this.around;
    this.#executions += 1;
    const kind = parseBackupId(id)?.kind ?? 'full';
    const copy = makeBackupId(Date.now(), kind, `copy${this.#executions}`);
    const prefix = backupPrefix(target, id);
    let manifest = (await this.get(`${prefix}${MANIFEST}`)).toString();
    for (const key of await this.keys(prefix)) {
      const name = key.slice(prefix.length);
      if (name === MANIFEST) continue;
      const content = await this.get(key);
      const change = files.get(name);
      const body = change === undefined ? content : Buffer.from(change(content.toString()));
      await this.put(`${backupPrefix(target, copy)}${rename(name)}`, body);
      if (change !== undefined) manifest = withContent(manifest, name, body);
    }
    const body = Buffer.from(edit(manifest));
    await this.put(`${backupPrefix(target, copy)}${MANIFEST}`, body);
    const [started, verified] = [
      await requireEvidence(bucket, target, id, 'started'),
      await requireEvidence(bucket, target, id, 'verified'),
    ];
    await write(bucket, target, copy, 'started', pageOf(started));
    await write(bucket, target, copy, 'verified', {
      ...pageOf(verified),
      manifest: { ...verified.manifest, sha256: createHash('sha256').update(body).digest('hex') },
    });
    return { target, id: copy };
  }

  /** Takes back what the ledger says of a failed proof. */
  forgive({ target, id }: MadeBackup): Promise<void> {
    return this.remove(ledgerKey(target, id, 'failed'));
  }
}

/** Evidence without what each page has of its own. */
function pageOf<Page extends { version: 1; target: string; id: string; at: string }>({
  version,
  target,
  id,
  at,
  ...page
}: Page) {
  return page;
}

/** The manifest with the size and the checksum of another content. */
function withContent(manifest: string, name: string, content: Buffer): string {
  const checksum = new FileChecksum();
  checksum.update(content);
  const entry = new RegExp(`(<name>${name.replaceAll('.', '\\.')}</name><size>)\\d+(</size><checksum>)\\w+`);
  return manifest.replace(entry, `$1${content.length}$2${checksum.digest()}`);
}
