/**
 * Before a prover's word counts, it passes a good control backup and refutes a damaged copy for each kind of damage, in the
 * same way in which it reads the real one. A prover that cannot fail is worth nothing.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Prover, unmountDatabase } from '../../clients/prover.ts';
import { readManifest } from '../../core/manifest.ts';
import { DAMAGES, type Damage, type ProofFinding, type SelfTest } from '../../core/proof.ts';
import { planChecks } from '../../core/proof-items.ts';
import { Survey } from '../../core/proof-survey.ts';
import { runCheck } from './checks.ts';
import { compareContents } from './contents.ts';
import control from './control/control.json' with { type: 'json' };
import { mountBackup } from './mount.ts';
import { directorySource } from './source.ts';

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

/** Runs the whole self-test; a second or two for nine small backups. */
export async function testProver(prover: Prover): Promise<SelfTest> {
  const began = Date.now();
  const good = (await readControl(prover, () => {})).length === 0;
  const damages: SelfTest['damages'] = [];
  for (const damage of DAMAGES) {
    const findings = await readControl(prover, INFLICT[damage]);
    damages.push({ damage, seen: findings.length > 0 });
  }
  return { good, damages, seconds: (Date.now() - began) / 1000 };
}

const WHOLE = { kind: 'contents', slice: 0, slices: 1, bytes: 0 } as const;
let copies = 0;

/** What the prover finds in a copy of the control backup. */
async function readControl(prover: Prover, inflict: (files: Files) => void): Promise<ProofFinding[]> {
  copies += 1;
  const directory = join(prover.directory, `control-${copies}`);
  const files: Files = new Map(
    Object.entries(control.files).map(([name, base64]) => [name, Buffer.from(base64, 'base64')]),
  );
  inflict(files);
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), bytes);
  }
  try {
    return await readWhole(prover, directory);
  } finally {
    await unmountDatabase(prover, DATABASE);
    rmSync(directory, { recursive: true, force: true });
  }
}

async function readWhole(prover: Prover, directory: string): Promise<ProofFinding[]> {
  const source = directorySource(directory);
  const survey = new Survey();
  await readManifest(source.manifest(), await source.manifestBytes(), (file) => survey.add(file));
  const mounted = await mountBackup(prover, source, [DATABASE], [TABLE], survey);
  const findings = [...mounted.findings];
  const [item] = planChecks(mounted.parts, { bytesAnItem: Number.MAX_SAFE_INTEGER, filesAnItem: 1 });
  if (item?.kind === 'check')
    for (const check of item.checks) findings.push(...(await runCheck(prover, check)).findings);
  const contents = await compareContents(
    source,
    undefined,
    { level: 'bytes', tables: mounted.tables },
    WHOLE,
  );
  return [...findings, ...contents.findings];
}

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
