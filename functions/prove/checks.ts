/** Lets the engine read parts to their last byte. */
import { type Prover, ProverRefusal } from '../../clients/prover.ts';
import { quoteIdentifier, quoteString } from '../../core/identifiers.ts';
import type { Check, ProofFinding } from '../../core/proof.ts';

export interface Checked {
  readonly parts: number;
  readonly bytes: number;
  readonly findings: readonly ProofFinding[];
}

interface CheckRow {
  readonly part_path: string;
  readonly is_passed: number;
  readonly message: string;
}

/** Reads what a check names. A part of which the engine says nothing is a finding: silence is no pass. */
export async function runCheck(prover: Prover, check: Check): Promise<Checked> {
  const table = `${quoteIdentifier(check.database)}.${quoteIdentifier(check.table)}`;
  const findings: ProofFinding[] = [];
  let parts = 0;
  for (const narrowing of narrowings(check)) {
    try {
      const rows = await prover.ask<CheckRow>(
        `CHECK TABLE ${table}${narrowing} SETTINGS check_query_single_value_result = 0`,
      );
      parts += rows.length;
      findings.push(...rows.filter(({ is_passed }) => is_passed !== 1).map((row) => partFinding(check, row)));
    } catch (error) {
      if (!(error instanceof ProverRefusal)) throw error;
      findings.push({ ...about(check), part: null, file: null, what: `${error.message} (${error.error}).` });
    }
  }
  if (parts < check.expected && findings.length === 0)
    findings.push({
      ...about(check),
      part: null,
      file: null,
      what: `The engine read ${parts} of ${check.expected} parts of ${check.database}.${check.table} and says nothing of the others.`,
    });
  return { parts, bytes: check.bytes, findings };
}

function narrowings({ partitions, parts }: Check): string[] {
  if (partitions.length === 0 && parts.length === 0) return [''];
  return [
    ...partitions.map((partition) => ` PARTITION ID ${quoteString(partition)}`),
    ...parts.map((part) => ` PART ${quoteString(part)}`),
  ];
}

const about = ({ database, table }: Check): { table: string } => ({ table: `${database}.${table}` });

function partFinding(check: Check, { part_path, message }: CheckRow): ProofFinding {
  const part = part_path.split('/').filter(Boolean).at(-1) ?? part_path;
  const file = FILE_IN_MESSAGE.map((pattern) => pattern.exec(message)?.[1]).find(
    (found) => found !== undefined,
  );
  const said = message.replace(/^Code: \d+\. DB::\w*Exception: /, '').replace(/ \(version [^)]*\)$/, '');
  return {
    ...about(check),
    part,
    file: file ?? null,
    what: `The part ${part} of ${check.database}.${check.table} is damaged${file === undefined ? '' : ` in ${file}`}: ${said.slice(0, 400)}`,
  };
}

/** Where the engine's sentences name the file. */
const FILE_IN_MESSAGE = [
  /for file (\S+) in data part/,
  /\/([^/\s:,]+\.[a-z0-9]+)[:,\s]/,
  /[Ff]ile (\S+\.\w+)/,
];
