/** Lets the engine read parts to their last byte. */
import { mapConcurrently } from '../../clients/concurrently.ts';
import { type Prover, ProverRefusal } from '../../clients/prover.ts';
import { isTrouble } from '../../core/engine-trouble.ts';
import { quoteIdentifier, quoteString } from '../../core/identifiers.ts';
import type { Check, ProofFinding } from '../../core/proof.ts';
import type { Found } from './findings.ts';
import { hasReadAll, isTroubled, readMeter, troubled } from './trouble.ts';

export interface Checked extends Found {
  readonly parts: number;
  readonly bytes: number;
}

export interface CheckRequest {
  readonly checks: readonly Check[];
  /** Only what the checks name is mounted, so that whole tables are read. */
  readonly isExcerpt: boolean;
  /** The bytes come from S3, where they are counted. */
  readonly isRemote: boolean;
  /** Damage is known already, and what cannot be read does not change the verdict. */
  readonly isDamaged: boolean;
}

/** Everything is read once more when the engine has met errors that it does not tell of. */
const READINGS = 2;

/**
 * Reads what the checks name.
 *
 * @throws {SafehouseError} TemporarilyUnavailable, when the engine could not read it all
 */
export async function runChecks(engine: Prover, request: CheckRequest): Promise<Checked> {
  const { checks } = request;
  const bytes = checks.reduce((sum, check) => sum + check.bytes, 0);
  for (let reading = 1; reading <= READINGS; reading += 1) {
    const before = await readMeter(engine);
    const answers = await ask(engine, request);
    const findings = answers.flatMap(({ findings }) => findings);
    const parts = answers.reduce((sum, answer) => sum + answer.parts, 0);
    const checked = { parts, bytes, findings, unjudged: answers.flatMap(({ unjudged }) => unjudged) };
    const trouble = answers.map((answer) => answer.trouble).find((text) => text !== undefined);
    const readAll = hasReadAll(before, await readMeter(engine), request.isRemote ? bytes : 0);
    if (findings.length > 0 || request.isDamaged) return checked;
    if (trouble !== undefined) throw troubled(trouble);
    if (readAll || checked.unjudged.length > 0) return checked;
  }
  throw troubled('it met errors that it does not name, and passes what it could not read');
}

interface Answer extends Found {
  readonly parts: number;
  /** What kept it from reading. */
  readonly trouble?: string;
}

/** Statements under way at once: a table of one small part is a dozen requests one after the other, and little else. */
const AT_ONCE = 16;
/** Threads of all statements together. They wait for S3 most of the time, however few processors there are. */
const THREADS = 64;

async function ask(engine: Prover, { checks, isExcerpt }: CheckRequest): Promise<Answer[]> {
  const questions = checks.flatMap((check) =>
    isExcerpt || check.parts.length === 0
      ? [{ check, narrowing: '' }]
      : check.parts.map((part) => ({ check, narrowing: ` PART ${quoteString(part)}` })),
  );
  const threads = Math.ceil(THREADS / Math.min(AT_ONCE, Math.max(1, questions.length)));
  return mapConcurrently(questions, AT_ONCE, ({ check, narrowing }) =>
    askOne(
      engine,
      check,
      `${narrowing} SETTINGS check_query_single_value_result = 0, max_threads = ${threads}`,
    ),
  );
}

interface CheckRow {
  readonly part_path: string;
  readonly is_passed: number;
  readonly message: string;
}

async function askOne(engine: Prover, check: Check, rest: string): Promise<Answer> {
  const { database, table } = check;
  try {
    const rows = await engine.askIn<CheckRow>(database, `CHECK TABLE ${quoteIdentifier(table)}${rest}`);
    const failed = rows.filter(({ is_passed }) => is_passed !== 1);
    const trouble = failed.find(({ message }) => isTrouble({ error: '', text: message }));
    return {
      parts: rows.length,
      findings: failed
        .filter(({ message }) => !isTrouble({ error: '', text: message }))
        .map((row) => partFinding(check, row)),
      unjudged: [],
      ...(trouble && { trouble: trouble.message }),
    };
  } catch (error) {
    if (!(error instanceof ProverRefusal)) throw error;
    const { message, error: name } = error;
    if (isTroubled(error)) return { parts: 0, findings: [], unjudged: [], trouble: `${message} (${name})` };
    const unjudged = [`the engine does not read the table ${database}.${table}: ${message} (${name})`];
    return { parts: 0, findings: [], unjudged };
  }
}

function partFinding({ database, table }: Check, { part_path, message }: CheckRow): ProofFinding {
  const part = part_path.split('/').filter(Boolean).at(-1) ?? part_path;
  const file = fileIn(message, part);
  const said = message.replace(/^Code: \d+\. DB::\w*Exception: /, '').replace(/ \(version [^)]*\)$/, '');
  return {
    table: `${database}.${table}`,
    part,
    file,
    what: `The part ${part} of ${database}.${table} is damaged${file === null ? '' : ` in ${file}`}: ${said.slice(0, 400)}`,
  };
}

/** The file of the part that the engine names: by itself, or as the end of its key. Of a projection it names too little. */
function fileIn(message: string, part: string): string | null {
  const [, file, of] = /file (\S+) in data part (\S+)/.exec(message) ?? [];
  if (file !== undefined) return of === part ? file : null;
  const [, key = ''] = /while reading key: (\S+), from bucket/.exec(message) ?? [];
  const [, inPart] = key.split(`/${part}/`);
  return inPart ?? null;
}
