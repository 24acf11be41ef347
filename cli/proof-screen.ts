/** A proof in words: the facts of one that passed, and what one that did not has found. */
import { ageText } from '../core/alert.ts';
import type { Proven } from '../core/ledger.ts';
import {
  type AssertionResult,
  blindness,
  DAMAGES,
  type ProofFinding,
  type ProofLevel,
  type ProvenTable,
  READINGS,
  type Reading,
  type SelfTest,
} from '../core/proof.ts';
import { bytesText, countOf, countText } from './amounts.ts';
import { fact, tonedFact } from './fact.ts';
import type { ReadProof } from './proof-evidence.ts';
import { bad, doubtful, faint, type Line, line, paragraph, type Span, strong } from './screen.ts';
import { table } from './table.ts';

/** What every proof has, whether it passed or not. */
type Proof = Pick<
  Proven,
  'level' | 'engine' | 'manifestSha256' | 'tables' | 'assertions' | 'anomalies' | 'selfTest'
>;

export const levelText = (level: ProofLevel): string =>
  level === 'bytes' ? 'every byte was read back' : 'rows, parts and definitions were read, not the data';

export function provenFacts(proof: Proven, width: number): Line[] {
  const { level, tables, items, bytesRead, seconds, dollars } = proof;
  return [
    ...fact('Level', `${level}: ${levelText(level)}`, width),
    ...proofFacts(proof, `${sumText(tables)}: ${sharesText(tables, level)}`, width),
    ...fact(
      'Cost',
      `${bytesText(bytesRead)} read in ${countOf(items, 'item')}, ${durationText(seconds)} of functions, ${dollarText(dollars)}`,
      width,
    ),
  ];
}

/** Of a proof that did not pass: what was to be read, and what was. */
export function unprovenFacts({ plan, results }: ReadProof, width: number): Line[] {
  const read = results.filter((result) => result !== undefined);
  const bytes = sum(read.map((result) => result.bytes));
  const wanted = sum(plan.items.map((item) => item.bytes));
  return [
    ...fact('Level', plan.level, width),
    ...proofFacts(plan, sumText(plan.tables), width),
    ...fact(
      'Read',
      `${bytesText(bytes)} of ${bytesText(wanted)}, ${countText(read.length)} of ${countOf(plan.items.length, 'item')}`,
      width,
    ),
  ];
}

function proofFacts(proof: Proof, tables: string, width: number): Line[] {
  const { engine, manifestSha256, assertions, anomalies, selfTest } = proof;
  return [
    ...fact('Engine', `ClickHouse ${engine}, which did not write it`, width),
    ...tonedFact('Self-test', selfTestSpan(selfTest), width),
    ...fact('Tables', tables, width),
    ...assertionFacts(assertions, width),
    ...anomalies.flatMap((anomaly) => tonedFact('Anomaly', doubtful(anomaly), width)),
    ...fact('Manifest', `SHA-256 ${manifestSha256}`, width),
  ];
}

/** Less than a minute is told to a tenth of a second. */
const durationText = (seconds: number): string =>
  seconds < 60 ? `${seconds.toFixed(1)} s` : ageText(seconds * 1000);

/** A proof of a gigabyte costs a thousandth of a dollar. */
const dollarText = (dollars: number): string => `$${dollars.toFixed(dollars < 1 ? 4 : 2)}`;

function selfTestSpan(selfTest: SelfTest): Span {
  const because = blindness(selfTest);
  if (because !== undefined) return bad(because);
  return `saw each of ${DAMAGES.length} kinds of damage in a control backup, and none in the good one (${durationText(selfTest.seconds)})`;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

function sumText(tables: readonly ProvenTable[]): string {
  const rows = sum(tables.map((each) => each.rows ?? 0));
  const bytes = sum(tables.map((each) => each.bytes));
  return `${countOf(tables.length, 'table')}, ${countOf(rows, 'row')}, ${bytesText(bytes)}`;
}

function sharesText(tables: readonly ProvenTable[], level: ProofLevel): string {
  const of = (reading: Reading): number => tables.filter((table) => table.reading === reading).length;
  return READINGS.flatMap((reading) =>
    of(reading) === 0 ? [] : [`${countText(of(reading))} ${READ[level][reading]}`],
  ).join(', ');
}

const READ: Readonly<Record<ProofLevel, Readonly<Record<Reading, string>>>> = {
  bytes: {
    checked: 'checked by the engine',
    hashed: 'compared with their checksums',
    definition: 'with a definition and no data',
  },
  counts: {
    checked: 'counted by the engine',
    hashed: 'not mounted',
    definition: 'with a definition and no data',
  },
};

function assertionFacts(assertions: readonly AssertionResult[], width: number): Line[] {
  const failed = assertions.filter(({ passed }) => !passed);
  const summary =
    assertions.length === 0
      ? ''
      : `${countText(assertions.length - failed.length)} of ${countText(assertions.length)} hold`;
  return [
    ...tonedFact('Assertions', failed.length === 0 ? summary : bad(summary), width),
    ...assertions.flatMap(({ passed, query, answer, database }) =>
      tonedFact(
        '',
        passed ? `${query} in ${database}: ${answer}` : bad(`${query} in ${database}: ${answer}`),
        width,
      ),
    ),
  ];
}

/** The largest first. */
export function provenTables(tables: readonly ProvenTable[], width: number): Line[] {
  if (tables.length === 0) return [];
  return table(
    [
      { heading: '  TABLE', fit: 'cut' },
      { heading: 'READ' },
      { heading: 'ROWS', align: 'right' },
      { heading: 'PARTS', align: 'right' },
      { heading: 'SIZE', align: 'right' },
      { heading: 'FINGERPRINT' },
    ],
    [...tables]
      .sort((a, b) => b.bytes - a.bytes)
      .map(({ database, name, reading, rows, parts, bytes, fingerprint }) => [
        `  ${database}.${name}`,
        reading,
        rows === null ? '' : countText(rows),
        parts === 0 ? '' : countText(parts),
        reading === 'definition' ? '' : bytesText(bytes),
        reading === 'definition' ? '' : faint(fingerprint),
      ]),
    width,
  );
}

/** What fits a screen; `--json` has all that are named. */
const SHOWN_FINDINGS = 12;

/** @param found how many there are in all, named or not */
export function findingLines(findings: readonly ProofFinding[], found: number, width: number): Line[] {
  const shown = findings.slice(0, SHOWN_FINDINGS);
  return [
    line(strong('Findings'), `  ${countText(found)}`),
    ...shown.flatMap(({ what, ...place }) => [
      ...paragraph('  ', placeText(place), width),
      ...paragraph('    ', what, width),
    ]),
    ...(found > shown.length ? [line(faint(`  and ${countText(found - shown.length)} more`))] : []),
  ];
}

function placeText({ table, part, file, inBase }: Omit<ProofFinding, 'what'>): string {
  const named = [table, part === null ? null : `part ${part}`, file === null ? null : `file ${file}`];
  const place = named.filter((each) => each !== null).join(', ') || 'the whole backup';
  return inBase === true ? `${place}, in the full backup that it stands on` : place;
}
