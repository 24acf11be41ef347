#!/usr/bin/env node
/** Measures what the README claims: prints it, and writes it as JSON. `npm run bench -- --help` says how. */
import { EMPTY_LINE, type Line, renderLine } from '../cli/screen.ts';
import { SafehouseError } from '../core/errors.ts';
import { type BenchCommand, readBenchCommand } from './command-line.ts';
import type { Figure, Tools } from './figure.ts';
import { FIGURES } from './figures.ts';
import { describeMachine, loadNow, type Machine } from './machine.ts';
import { report } from './report.ts';
import { type MeasuredFigure, merged, readResults, writeResults } from './results-file.ts';
import { Workspace } from './workspace.ts';

async function main(typed: readonly string[]): Promise<number> {
  try {
    const command = readBenchCommand(
      typed,
      FIGURES.map(({ number }) => number),
    );
    if (command.help) return print(help());
    return await bench(command);
  } catch (error) {
    process.stderr.write(`${error instanceof SafehouseError ? error.message : inspectable(error)}\n`);
    return 1;
  }
}

/** A missed target is a result; only what could not be measured because something broke makes this fail. */
async function bench({ figures, file }: BenchCommand): Promise<number> {
  const before = readResults(file);
  const workspace = Workspace.open();
  endOnSignals(workspace);
  const machine = describeMachine();
  const measured: MeasuredFigure[] = [];
  let broken = 0;
  try {
    for (const figure of FIGURES.filter(({ number }) => figures.includes(number))) {
      const say = (line: string): void => void process.stderr.write(`${figure.number}: ${line}\n`);
      try {
        if (workspace.closing) break;
        say(figure.title);
        measured.push(await measure(figure, { workspace, environment: process.env, say }, machine));
        // At once: the next figure may be the one that is interrupted.
        writeResults(file, merged(before, measured));
      } catch (error) {
        // What was ended under its feet by a signal is no defect of it.
        if (workspace.closing) break;
        broken += 1;
        say(`broke off: ${inspectable(error)}`);
      }
    }
  } finally {
    await workspace.close();
  }
  print([...report(measured, machine), EMPTY_LINE, [`Written to ${file}`]]);
  return broken === 0 ? 0 : 1;
}

async function measure(figure: Figure, tools: Tools, machine: Machine): Promise<MeasuredFigure> {
  const { number, title } = figure;
  const before = loadNow();
  const result = await figure.measure(tools);
  return {
    number,
    title,
    measuredAt: new Date().toISOString(),
    machine,
    load: { before, after: loadNow() },
    ...result,
  };
}

/** Ctrl-C and a terminal that goes away leave nothing behind either. */
function endOnSignals(workspace: Workspace): void {
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)
    process.once(signal, () => {
      process.stderr.write(`\n${signal}: stopping what was started and removing ${workspace.directory}\n`);
      void workspace.close().finally(() => process.exit(status));
    });
}

function help(): Line[] {
  const line = ({ number, title }: Figure): Line => [`  ${number}  ${title}`];
  return [
    ['npm run bench                     measures everything: about forty minutes on two cores'],
    ['npm run bench -- 3 5              only these figures'],
    ['npm run bench -- --json FILE      writes there instead of bench/results.json'],
    EMPTY_LINE,
    ...FIGURES.map(line),
  ];
}

function print(lines: readonly Line[]): number {
  const colour = process.stdout.isTTY && process.stdout.hasColors();
  for (const line of lines) process.stdout.write(`${renderLine(line, colour)}\n`);
  return 0;
}

const inspectable = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

process.exitCode = await main(process.argv.slice(2));
