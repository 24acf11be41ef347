/** What it costs to mount a backup of very many tables or parts and to count what is in it: time, requests and memory. */
import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { mapConcurrently } from '../clients/concurrently.ts';
import { backupPrefix, MANIFEST } from '../core/keys.ts';
import { startBucket } from '../local/bucket/bucket.ts';
import type { Workspace } from './workspace.ts';

export interface MountCost {
  readonly tables: number;
  readonly parts: number;
  readonly manifestBytes: number;
  /** To read the manifest, to mount the database, and to count rows, parts, bytes and fingerprints of all tables. */
  readonly seconds: number;
  /** Objects of the backup that were read meanwhile. */
  readonly requests: number;
  /** The most memory that the process ever held, the engine and Node.js included. */
  readonly peakBytes: number;
}

/** What the process that mounts is told. */
export interface MountTask {
  readonly bucket: string;
  readonly target: string;
  readonly id: string;
  readonly database: string;
  readonly tables: readonly string[];
  readonly manifestSha256: string;
}

/** What the process that makes a backup leaves in its directory beside the files of the backup. */
export interface MadeTemplate {
  /** Keys of the objects, relative to the backup. */
  readonly files: readonly string[];
  readonly tables: readonly string[];
  readonly manifestSha256: string;
}

const PROCESS = fileURLToPath(new URL('mount-process.ts', import.meta.url));
const TIME_LIMIT_MS = 30 * 60_000;
const BUCKET = 'safehouse';
const TARGET = 'bench';
const ID = '20260402T020000Z-full-aaaa';
const DATABASE = 'many';

/**
 * Mounts a backup of so many tables of one part each and one of so many parts in a hundred tables, from an S3 on this machine,
 * each in a process of its own. All parts have the same content and share their objects; each is read by itself all the same.
 */
export async function measureMounting(
  workspace: Workspace,
  { tables, parts }: { readonly tables: number; readonly parts: number },
): Promise<{ readonly tables: MountCost; readonly parts: MountCost }> {
  return {
    tables: await measure(workspace, tables, 1),
    parts: await measure(workspace, 100, Math.ceil(parts / 100)),
  };
}

async function measure(workspace: Workspace, tables: number, partsOfEach: number): Promise<MountCost> {
  const directory = await workspace.subdirectory('mount');
  const bucket = await startBucket({ directory: join(directory, 'bucket'), buckets: [BUCKET] });
  const stop = workspace.atEnd(() => bucket.kill());
  const environment = {
    ...process.env,
    AWS_ENDPOINT_URL_S3: bucket.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_EC2_METADATA_DISABLED: 'true',
    TMPDIR: directory,
  };
  const run = async <Result>(...parameters: readonly string[]): Promise<Result> => {
    const options = { timeout: TIME_LIMIT_MS, env: environment, maxBuffer: 64 * 1024 * 1024 };
    const { stdout } = await promisify(execFile)(process.execPath, [PROCESS, ...parameters], options);
    return JSON.parse(stdout);
  };
  try {
    const template = join(directory, 'template');
    const made = await run<MadeTemplate>('make', template, DATABASE, String(tables), String(partsOfEach));
    await upload(bucket.endpoint, template, made.files);
    const { tables: names, manifestSha256 } = made;
    const task: MountTask = {
      bucket: BUCKET,
      target: TARGET,
      id: ID,
      database: DATABASE,
      tables: names,
      manifestSha256,
    };
    return await run<MountCost>('mount', JSON.stringify(task));
  } finally {
    await stop();
    await rm(directory, { recursive: true });
  }
}

async function upload(endpoint: string, directory: string, files: readonly string[]): Promise<void> {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const s3 = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  // The manifest last, as ClickHouse does.
  const ordered = [...files.filter((file) => file !== MANIFEST), MANIFEST];
  await mapConcurrently(ordered, 16, async (file) => {
    const Body = await readFile(join(directory, file));
    const Key = `${backupPrefix(TARGET, ID)}${file}`;
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));
  });
  s3.destroy();
}
