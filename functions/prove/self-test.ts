/**
 * Before a prover's word counts, it passes a good control backup and names each kind of damage in a damaged copy of it, in the
 * same way in which it reads the real one. A prover that cannot fail is worth nothing.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Prover, ProverRefusal, unmountDatabase } from '../../clients/prover.ts';
import { MANIFEST } from '../../core/keys.ts';
import { DAMAGES, type Damage, type ProofFinding, type SelfTest } from '../../core/proof.ts';
import { planChecks } from '../../core/proof-items.ts';
import { Survey } from '../../core/proof-survey.ts';
import { compareContents } from './contents.ts';
import control from './control/control.json' with { type: 'json' };
import { mountBackup } from './mount.ts';
import { readParts } from './parts.ts';
import { directorySource } from './source.ts';
import { readTrusted } from './trusted-manifest.ts';

type Files = Map<string, Buffer>;

const DATABASE = 'control';
const PART = '202601_1_1_0';
/** No damage is done to this one. */
const SOUND = 'a_sound';

const partOf = (table: string, part = PART): string => `data/${DATABASE}/${table}/${part}/`;

/** Each is done to a table of its own, so that one copy has them all. */
const INFLICT: Readonly<Record<Damage, { readonly table: string; readonly on: (files: Files) => void }>> = {
  'a flipped bit in data': { table: 'data', on: (files) => flip(files, `${partOf('data')}of_data.bin`) },
  'a flipped bit in marks': {
    table: 'marks',
    on: (files) => flip(files, `${partOf('marks')}of_marks.cmrk2`),
  },
  'a flipped bit in the primary index': {
    table: 'primary',
    on: (files) => flip(files, `${partOf('primary')}primary.cidx`),
  },
  'a flipped bit in checksums.txt': {
    table: 'checksums',
    on: (files) => flip(files, `${partOf('checksums')}checksums.txt`),
  },
  'a missing object': {
    table: 'missing',
    on: (files) => remove(files, `${partOf('missing')}of_missing.bin`),
  },
  'a truncated object': {
    table: 'truncated',
    on: (files) => change(files, `${partOf('truncated')}of_truncated.bin`, (bytes) => bytes.subarray(0, -3)),
  },
  'a swapped part': { table: 'swapped', on: swapParts },
  'an altered definition': {
    table: 'definition',
    on: (files) =>
      change(files, `metadata/${DATABASE}/definition.sql`, (bytes) =>
        Buffer.from(bytes.toString().replace('as it was', 'as it is')),
      ),
  },
};

/** Runs the whole self-test: two small backups, a fifth of a second. */
export async function testProver(engine: Prover): Promise<SelfTest> {
  const began = Date.now();
  const inGood = await readControl(engine, []);
  const inDamaged = await readControl(engine, DAMAGES);
  const isNamed = (table: string): boolean =>
    inDamaged.some((finding) => finding.table === `${DATABASE}.${table}`);
  return {
    good: inGood.length === 0 && !isNamed(SOUND),
    damages: DAMAGES.map((damage) => ({ damage, seen: isNamed(INFLICT[damage].table) })),
    seconds: (Date.now() - began) / 1000,
  };
}

/** What the prover finds in a copy of the control backup that has these damages. */
async function readControl(engine: Prover, damages: readonly Damage[]): Promise<ProofFinding[]> {
  const directory = join(engine.directory, `control-${randomUUID()}`);
  const files: Files = new Map(
    Object.entries(CONTROL).map(([name, base64]) => [name, Buffer.from(base64, 'base64')]),
  );
  for (const damage of damages) INFLICT[damage].on(files);
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), bytes);
  }
  try {
    return await readWhole(engine, directory, damages.length > 0);
  } catch (error) {
    // An engine that refuses everything has not passed the good one, and has told nothing of the other.
    if (error instanceof ProverRefusal) return [finding(error.message)];
    throw error;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const finding = (what: string): ProofFinding => ({ table: null, part: null, file: null, what });

/** As a real one is read: stock is taken, the parts are read, and the files compared. */
async function readWhole(engine: Prover, directory: string, isDamaged: boolean): Promise<ProofFinding[]> {
  const source = directorySource(directory);
  const base = undefined;
  const survey = new Survey();
  const manifest = await readTrusted(source, MANIFEST_SHA256, base, (file) => survey.add(file));
  const { header } = manifest;
  if (header === null) return [finding('its manifest is not the one that was made')];
  const mounted = await mountBackup(engine, { source, base, header, databases: [DATABASE] }, TABLES, survey);
  const [item] = planChecks(mounted.parts, { bytesAnItem: Number.POSITIVE_INFINITY });
  const checks = item?.kind === 'check' ? item.checks : [];
  const parts = await readParts(engine, { source, base, checks, manifestSha256: MANIFEST_SHA256, isDamaged });
  const scope = { level: 'bytes', tables: mounted.tables, manifestSha256: MANIFEST_SHA256 } as const;
  const contents = await compareContents(source, base, scope, WHOLE);
  await unmountDatabase(engine, DATABASE);
  return [mounted, parts, contents].flatMap(({ findings, unjudged }) => [
    ...findings,
    ...unjudged.map(finding),
  ]);
}

const WHOLE = { kind: 'contents', slice: 0, slices: 1, bytes: 0 } as const;
/** Packed, or it would be a tenth of the bundle. */
const CONTROL: Readonly<Record<string, string>> = JSON.parse(
  gunzipSync(Buffer.from(control.files, 'base64')).toString(),
);
const TABLES = control.tables.map(
  (name) => ({ database: DATABASE, name, engine: 'MergeTree', coverage: 'data' }) as const,
);
const MANIFEST_SHA256 = createHash('sha256')
  .update(Buffer.from(CONTROL[MANIFEST] ?? '', 'base64'))
  .digest('hex');

function change(files: Files, name: string, to: (bytes: Buffer) => Buffer): void {
  const bytes = files.get(name);
  if (bytes === undefined) throw new Error(`the control backup has no ${name}`);
  files.set(name, to(bytes));
}

const remove = (files: Files, name: string): void => {
  if (!files.delete(name)) throw new Error(`the control backup has no ${name}`);
};

const flip = (files: Files, name: string): void =>
  change(files, name, (bytes) => {
    const damaged = Buffer.from(bytes);
    const middle = damaged.length >> 1;
    damaged[middle] = (damaged[middle] ?? 0) ^ 1;
    return damaged;
  });

/** Every file that both parts store goes to the other: each part is whole in itself and in the wrong place. */
function swapParts(files: Files): void {
  const [here, there] = [partOf('swapped'), partOf('swapped', '202602_2_2_0')];
  for (const [name, bytes] of [...files]) {
    const other = name.startsWith(here) ? `${there}${name.slice(here.length)}` : undefined;
    const swapped = other === undefined ? undefined : files.get(other);
    if (other === undefined || swapped === undefined) continue;
    files.set(name, swapped);
    files.set(other, bytes);
  }
}
