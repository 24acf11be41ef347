/**
 * Before a prover's word counts, it passes a good control backup and refutes a damaged copy for each kind of damage, in the
 * same way in which it reads the real one. A prover that cannot fail is worth nothing.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Prover, ProverRefusal, unmountDatabase } from '../../clients/prover.ts';
import { DAMAGES, type Damage, type SelfTest } from '../../core/proof.ts';
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
const TABLE = { database: DATABASE, name: 'events', engine: 'MergeTree', coverage: 'data' } as const;
const PART = `data/${DATABASE}/events/202601_1_1_0/`;
const OTHER_PART = `data/${DATABASE}/events/202602_2_2_0/`;
const DEFINITION = `metadata/${DATABASE}/events.sql`;

const INFLICT: Readonly<Record<Damage, (files: Files) => void>> = {
  'a flipped bit in data': (files) => flip(files, `${PART}name.bin`),
  'a flipped bit in marks': (files) => flip(files, `${PART}id.cmrk2`),
  'a flipped bit in the primary index': (files) => flip(files, `${PART}primary.cidx`),
  'a flipped bit in checksums.txt': (files) => flip(files, `${PART}checksums.txt`),
  'a missing object': (files) => files.delete(`${PART}name.bin`),
  'a truncated object': (files) =>
    files.set(`${PART}name.bin`, content(files, `${PART}name.bin`).subarray(0, -3)),
  'a swapped part': swapParts,
  'an altered definition': (files) =>
    files.set(DEFINITION, Buffer.from(content(files, DEFINITION).toString().replace('`name`', '`nane`'))),
};

/** Runs the whole self-test: a third of a second for nine small backups. */
export async function testProver(engine: Prover): Promise<SelfTest> {
  const began = Date.now();
  const good = !(await isDamageSeen(engine, () => {}));
  const damages: SelfTest['damages'] = [];
  for (const damage of DAMAGES) damages.push({ damage, seen: await isDamageSeen(engine, INFLICT[damage]) });
  return { good, damages, seconds: (Date.now() - began) / 1000 };
}

/** An engine that answers nothing at all has not passed the control backup, and not told good from bad either. */
async function isDamageSeen(engine: Prover, inflict: (files: Files) => void): Promise<boolean> {
  try {
    return await readControl(engine, inflict);
  } catch (error) {
    if (error instanceof ProverRefusal) return true;
    throw error;
  }
}

/** Whether the prover finds anything in a copy of the control backup. */
async function readControl(engine: Prover, inflict: (files: Files) => void): Promise<boolean> {
  const directory = join(engine.directory, `control-${randomUUID()}`);
  const files: Files = new Map(
    Object.entries(control.files).map(([name, base64]) => [name, Buffer.from(base64, 'base64')]),
  );
  inflict(files);
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), bytes);
  }
  try {
    return await readWhole(engine, directory);
  } finally {
    await unmountDatabase(engine, DATABASE);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** As a real one is read: stock is taken, the parts are read, and the files compared. */
async function readWhole(engine: Prover, directory: string): Promise<boolean> {
  const source = directorySource(directory);
  const base = undefined;
  const survey = new Survey();
  const { header } = await readTrusted(source, MANIFEST_SHA256, base, (file) => survey.add(file));
  if (header === null) return true;
  const mounted = await mountBackup(engine, { source, base, header, databases: [DATABASE] }, [TABLE], survey);
  const [item] = planChecks(mounted.parts, { bytesAnItem: Number.POSITIVE_INFINITY });
  const checks = item?.kind === 'check' ? item.checks : [];
  const parts = await readParts(engine, { source, base, checks, manifestSha256: MANIFEST_SHA256 });
  const scope = { level: 'bytes', tables: mounted.tables, manifestSha256: MANIFEST_SHA256 } as const;
  const contents = await compareContents(source, base, scope, WHOLE);
  return [mounted, parts, contents].some(({ findings, unjudged }) => findings.length + unjudged.length > 0);
}

const WHOLE = { kind: 'contents', slice: 0, slices: 1, bytes: 0 } as const;
const MANIFEST_SHA256 = createHash('sha256')
  .update(Buffer.from(control.files['.backup'], 'base64'))
  .digest('hex');

const content = (files: Files, name: string): Buffer => {
  const found = files.get(name);
  if (found === undefined) throw new Error(`the control backup has no ${name}`);
  return found;
};

function flip(files: Files, name: string): void {
  const damaged = Buffer.from(content(files, name));
  const middle = damaged.length >> 1;
  damaged[middle] = (damaged[middle] ?? 0) ^ 1;
  files.set(name, damaged);
}

/** Every file that both parts store goes to the other: each part is whole in itself and in the wrong place. */
function swapParts(files: Files): void {
  for (const [name, bytes] of [...files]) {
    const other = name.startsWith(PART) ? `${OTHER_PART}${name.slice(PART.length)}` : undefined;
    const swapped = other === undefined ? undefined : files.get(other);
    if (other === undefined || swapped === undefined) continue;
    files.set(name, swapped);
    files.set(other, bytes);
  }
}
