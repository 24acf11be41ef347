/** Lets the engine read the parts of one item. */
import type { Prover } from '../../clients/prover.ts';
import { quoteString } from '../../core/identifiers.ts';
import type { Check, ProofFinding } from '../../core/proof.ts';
import { runChecks } from './checks.ts';
import { compareParts, type NamedPart, partKey } from './contents.ts';
import { canBeExcerpted, Excerpt } from './excerpt.ts';
import type { ReadItem } from './findings.ts';
import { mountDatabases } from './mount.ts';
import type { ProofSource } from './source.ts';
import { readTrusted } from './trusted-manifest.ts';
import { explainUnloaded, readErrors } from './unloaded-parts.ts';

export interface PartsRequest {
  readonly source: ProofSource;
  readonly base: ProofSource | undefined;
  readonly checks: readonly Check[];
  /** Of the manifest that the plan was made from. */
  readonly manifestSha256: string;
}

/** @throws {SafehouseError} TemporarilyUnavailable, when the engine could not read */
export async function readParts(engine: Prover, request: PartsRequest): Promise<ReadItem> {
  const { source, base, checks, manifestSha256 } = request;
  const excerpt = new Excerpt(checks);
  const manifest = await readTrusted(source, manifestSha256, base, (file) => excerpt.add(file));
  const nothing = { bytes: 0, parts: 0, files: 0 };
  if (manifest.header === null) return { ...nothing, ...manifest, found: manifest.findings.length };
  const { header } = manifest;
  const isExcerpt = canBeExcerpted(header);
  const mounted = isExcerpt ? excerpt.write(engine, source, header) : source;
  const databases = [...new Set(checks.map(({ database }) => database))];
  const before = await readErrors(engine);
  const unjudged = await mountDatabases(engine, { source: mounted, header, databases });
  if (unjudged.length > 0) return { ...nothing, findings: [], found: 0, unjudged };
  const unloaded = await findUnloaded(engine, databases, excerpt.parts);
  const after = await readErrors(engine);
  const findings = await explainUnloaded({ source, base, unloaded, before, after });
  if (findings.length > 0) return { ...nothing, findings, found: findings.length, unjudged: [] };
  const checked = await runChecks(engine, { checks, isExcerpt, isRemote: source.bucketUrl !== null });
  const damaged = checked.findings.map((finding) => place(finding, excerpt));
  const named = await compareParts(source, base, namelessParts(damaged, excerpt.parts));
  return {
    ...checked,
    files: 0,
    findings: [...damaged, ...named],
    found: damaged.length + named.length,
  };
}

/** The engine does not say where it has read a file, and the manifest does. */
function place(finding: ProofFinding, excerpt: Excerpt): ProofFinding {
  const { table, part, file } = finding;
  if (table === null || part === null || !excerpt.isInBase(table, part, file)) return finding;
  return { ...finding, inBase: true, what: `In the base backup: ${finding.what}` };
}

/** Where the engine names only the part, comparing its files may name the file. */
const namelessParts = (findings: readonly ProofFinding[], known: readonly NamedPart[]): NamedPart[] =>
  known.filter(({ database, table, part }) =>
    findings.some(
      (each) => each.file === null && each.table === `${database}.${table}` && each.part === part,
    ),
  );

async function findUnloaded(
  engine: Prover,
  databases: readonly string[],
  parts: readonly NamedPart[],
): Promise<NamedPart[]> {
  const rows = await engine.ask<NamedPart>(
    `SELECT database, table, name AS part FROM system.parts
     WHERE database IN (${databases.map((name) => quoteString(name)).join(', ')}) AND active`,
  );
  const loaded = new Set(rows.map(partKey));
  return parts.filter((part) => !loaded.has(partKey(part)));
}
