#!/usr/bin/env node
/** `node bench/readme.ts` writes the figures of bench/results.json into the README, between its two comments. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { DEFAULT_FILE } from './command-line.ts';
import type { Target, Unit } from './figure.ts';
import { amountText, machineText } from './report.ts';

const BEGIN = '<!-- figures: written by `node bench/readme.ts` from bench/results.json -->';
const END = '<!-- end of figures -->';

const targetSchema = z.union([z.object({ atMost: z.number() }), z.object({ atLeast: z.number() })]);
const resultsSchema = z.object({
  figures: z.array(
    z.object({
      title: z.string(),
      machine: z.object({
        processor: z.string(),
        cores: z.number(),
        memoryBytes: z.number(),
        system: z.string(),
        node: z.string(),
      }),
      measurements: z.array(
        z.object({
          name: z.string(),
          value: z.number(),
          unit: z.custom<Unit>((unit) => typeof unit === 'string'),
          target: targetSchema.optional(),
          met: z.boolean().optional(),
        }),
      ),
      skipped: z.array(z.object({ name: z.string(), why: z.string() })).optional(),
    }),
  ),
});

/** The README with the figures of a results file; as it is, where there is no such file. */
export function withFigures(readme: string, file: string = DEFAULT_FILE): string {
  const [before, rest] = readme.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined)
    throw new Error(`the README has no place for figures: ${BEGIN} … ${END}`);
  if (!existsSync(file)) return readme;
  return `${before}${BEGIN}\n${figuresText(file)}\n${END}${after}`;
}

/** What has a target, is a price, or is what a figure is there for; each single function and each part of a run is in the file. */
const isForReadme = ({ name, target }: { name: string; target?: unknown }): boolean =>
  (/: dollars$|÷|^[\d,]+ (tables|parts): (time|most memory)$/.test(name) &&
    !name.endsWith('fastest of each')) ||
  (target !== undefined && !/^[a-z-]+\/[a-z-]+: /.test(name));

function figuresText(file: string): string {
  const { figures } = resultsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const rows = figures.flatMap(({ title, measurements, skipped = [] }) => [
    `| **${title}** | | |`,
    ...measurements
      .filter(isForReadme)
      .map(
        ({ name, value, unit, target, met }) =>
          `| ${name} | ${amountText(value, unit)}${met === false ? ' (missed)' : ''} | ${target === undefined ? '' : targetText(target, unit)} |`,
      ),
    ...skipped.map(({ name, why }) => `| ${name} | not measured: ${why} | |`),
  ]);
  const machines = [...new Set(figures.map(({ machine }) => machineText(machine)))];
  return [
    '',
    '| Figure | Measured | Target |',
    '|---|---|---|',
    ...rows,
    '',
    `Measured on ${machines.join('; ')}.`,
    '',
  ].join('\n');
}

const targetText = (target: Target, unit: Unit): string =>
  'atMost' in target
    ? `at most ${amountText(target.atMost, unit)}`
    : `at least ${amountText(target.atLeast, unit)}`;

if (import.meta.main) {
  const { withPaper } = await import('./paper/page.ts');
  rewrite('../README.md', withFigures);
  rewrite('../docs/proof.md', withPaper);
}

function rewrite(page: string, change: (text: string) => string): void {
  const file = fileURLToPath(new URL(page, import.meta.url));
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}
