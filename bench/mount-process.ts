/**
 * A process of its own that makes a backup of very many tables or parts (`make DIRECTORY DATABASE TABLES PARTS`), or mounts one
 * and counts what is in it (`mount TASK`). Writes what came out of it to standard output as JSON.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { Session } from 'chdb';
import { openBucket } from '../clients/bucket.ts';
import { FileChecksum } from '../core/cityhash.ts';
import { MANIFEST } from '../core/keys.ts';
import { type ManifestFile, ManifestReader } from '../core/manifest.ts';
import { Survey } from '../core/proof-survey.ts';
import { mountBackup } from '../functions/prove/mount.ts';
import { withProver } from '../functions/prove/open-prover.ts';
import { bucketSource } from '../functions/prove/source.ts';
import { readTrusted } from '../functions/prove/trusted-manifest.ts';
import type { MadeTemplate, MountCost, MountTask } from './mount.ts';
import { peakBytes } from './peak-memory.ts';

const [what, ...parameters] = process.argv.slice(2);

// --- make ---

/** One small part is backed up by the engine; all others are that part under other names. */
function make(): MadeTemplate {
  const [directory = '', database = '', tables = '', parts = ''] = parameters;
  backUpOne(directory, database);
  const manifest = readFileSync(join(directory, MANIFEST), 'utf8');
  const files = readFiles(manifest);
  const definition = readFileSync(join(directory, `metadata/${database}/one.sql`), 'utf8');
  const own = files.filter(({ name }) => name.startsWith('data/'));
  const names = Array.from({ length: Number(tables) }, (_, table) => `t${String(table).padStart(6, '0')}`);
  const entries = names.flatMap((name) => [
    writeDefinition(directory, database, name, definition),
    ...Array.from({ length: Number(parts) }, (_, part) => partEntries(own, name, part + 1)),
  ]);
  const whole = manifest.replace('</contents>', () => `${entries.join('')}</contents>`);
  writeFileSync(join(directory, MANIFEST), whole);
  return {
    files: readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(directory, join(entry.parentPath, entry.name))),
    tables: names,
    manifestSha256: createHash('sha256').update(whole).digest('hex'),
  };
}

function backUpOne(directory: string, database: string): void {
  const home = mkdtempSync(join(tmpdir(), 'safehouse-template-'));
  const configuration = join(home, 'config.xml');
  writeFileSync(
    configuration,
    `<clickhouse><backups><allowed_path>${dirname(directory)}/</allowed_path></backups></clickhouse>`,
  );
  const session = new Session(join(home, 'data'), { connectionArgs: [`--config-file=${configuration}`] });
  for (const statement of [
    `CREATE DATABASE ${database}`,
    `CREATE TABLE ${database}.one (id UInt64, day Date, name String) ENGINE = MergeTree ORDER BY id`,
    `INSERT INTO ${database}.one SELECT number, '2026-04-01', toString(number) FROM numbers(10)`,
    `BACKUP DATABASE ${database} TO File('${directory}')`,
  ])
    session.query(statement);
  session.close();
  rmSync(home, { recursive: true });
}

function readFiles(manifest: string): ManifestFile[] {
  const files: ManifestFile[] = [];
  const reader = new ManifestReader((file) => files.push(file));
  reader.write(Buffer.from(manifest));
  reader.end();
  return files;
}

function writeDefinition(directory: string, database: string, name: string, definition: string): string {
  const text = definition.replace(`${database}.one`, `${database}.${name}`).replace(/UUID '[^']*' /, '');
  const file = `metadata/${database}/${name}.sql`;
  mkdirSync(dirname(join(directory, file)), { recursive: true });
  writeFileSync(join(directory, file), text);
  const checksum = new FileChecksum();
  checksum.update(Buffer.from(text));
  return `<file><name>${file}</name><size>${Buffer.byteLength(text)}</size><checksum>${checksum.digest()}</checksum></file>`;
}

function partEntries(own: readonly ManifestFile[], table: string, part: number): string {
  const entries = own.map(({ name, size, checksum, dataFile }) => {
    const path = name.replace('/one/', `/${table}/`).replace('/all_1_1_0/', `/all_${part}_${part}_0/`);
    return `<file><name>${path}</name><size>${size}</size><checksum>${checksum}</checksum><data_file>${dataFile}</data_file></file>`;
  });
  return entries.join('');
}

// --- mount ---

function mount(): Promise<MountCost> {
  const task = JSON.parse(parameters[0] ?? '') as MountTask;
  const address = {
    bucket: task.bucket,
    region: process.env['AWS_REGION'] ?? '',
    endpoint: process.env['AWS_ENDPOINT_URL_S3'] ?? '',
  };
  const source = bucketSource(openBucket(task.bucket), address, task.target, task.id);
  const scope = task.tables.map((name) => ({
    database: task.database,
    name,
    engine: 'MergeTree',
    coverage: 'data' as const,
  }));
  return withProver(async (engine) => {
    const requests = async (): Promise<number> => {
      const [row] = await engine.ask<{ value: string }>(
        "SELECT sum(value) AS value FROM system.events WHERE event IN ('S3GetObject', 'S3HeadObject')",
      );
      return Number(row?.value);
    };
    const before = await requests();
    const began = performance.now();
    const survey = new Survey();
    const { header } = await readTrusted(source, task.manifestSha256, undefined, (file) => survey.add(file));
    if (header === null) throw new Error('the manifest is not the one that was made');
    const { tables, parts, findings, unjudged } = await mountBackup(
      engine,
      { source, base: undefined, header, databases: [task.database] },
      scope,
      survey,
    );
    if (findings.length + unjudged.length > 0) throw new Error(JSON.stringify([findings[0], unjudged[0]]));
    return {
      tables: tables.length,
      parts: parts.length,
      manifestBytes: await source.manifestBytes(),
      seconds: (performance.now() - began) / 1000,
      requests: (await requests()) - before,
      peakBytes: peakBytes(),
    };
  });
}

if (what === 'make') process.stdout.write(JSON.stringify(make()));
else if (what === 'mount') process.stdout.write(JSON.stringify(await mount()));
else throw new RangeError(`expected make or mount, got ${what}`);
