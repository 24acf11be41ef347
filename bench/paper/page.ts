/** The arithmetic of docs/proof.md, between its two comments; `node bench/readme.ts` puts it there. */
import * as z from 'zod';
import { bytesText, countText } from '../../cli/amounts.ts';
import { configSchema } from '../../core/config.ts';
import { BYTES_A_FILE } from '../../core/proof-items.ts';
import { DEFAULT_FILE } from '../command-line.ts';
import { READING_RATE } from '../figures/proof.ts';
import { PRICES } from '../night/prices.ts';
import { readResults } from '../results-file.ts';
import {
  BYTES_A_SECOND,
  type Estimate,
  estimate,
  LONGEST_SECONDS,
  type ProverSettings,
  REQUESTS_TO_LOAD,
  SECONDS_A_MILLION_FILES,
  START_SECONDS,
  TEN_TERABYTES,
} from './estimate.ts';

const BEGIN = '<!-- paper: written by `node bench/readme.ts` -->';
const END = '<!-- end of paper -->';

export function withPaper(page: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined)
    throw new Error(`docs/proof.md has no place for the arithmetic: ${BEGIN} … ${END}`);
  return `${before}${BEGIN}\n\n${paperText()}\n\n${END}${after}`;
}

const { prover } = configSchema.parse({
  targets: { t: { url: 'https://host:8443', schedule: { full: 'rate(1 day)' } } },
});

function paperText(): string {
  const whole = estimate(TEN_TERABYTES, prover);
  return [inputs(), arithmetic(whole), variants()].join('\n\n');
}

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly string[]): string =>
  [row(...head), `|${head.map(() => '---').join('|')}|`, ...rows].join('\n');

const seconds = (value: number): string => `${value < 10 ? value.toFixed(1) : countText(value)} s`;
const hours = (value: number): string =>
  value < 3600 ? `${countText(value / 60)} min` : `${(value / 3600).toFixed(1)} h`;
const dollars = (value: number): string => `$${value.toFixed(2)}`;
const rate = (value: number, each: number, of: string): string =>
  `$${Number((value * each).toFixed(4))} for ${countText(each)} ${of}`;

function inputs(): string {
  const { tables, partsOfEach, bytesOfEach, filesOfEach } = TEN_TERABYTES;
  return table(
    ['Input', 'Value', 'Where it comes from'],
    [
      row(
        'the backup',
        `${tables} tables of ${partsOfEach} parts, each of ${bytesText(bytesOfEach)} in ${filesOfEach} files`,
        'made up: forty columns',
      ),
      row('an item', `${prover.gibibytesAnItem} GiB`, '`prover.gibibytesAnItem`'),
      row('items at once', String(prover.atOnce), '`prover.atOnce`'),
      row('memory', `${countText(prover.memoryMiB)} MiB`, '`prover.memoryMiB`'),
      row(
        'bytes that one function gets from S3',
        `${bytesText(BYTES_A_SECOND)} a second`,
        'an assumption; on the machine of the figures it is many times that, and nobody has measured it on Lambda',
      ),
      row(
        'one request for a small file',
        `as long as ${countText(BYTES_A_FILE)} bytes`,
        '`BYTES_A_FILE` in `core/proof-items.ts`, with dozens under way at once',
      ),
      row(
        'cold start and self-test',
        seconds(START_SECONDS),
        'the most that the figure of the cold start may be',
      ),
      row(
        'small files that are read to load a part',
        String(REQUESTS_TO_LOAD),
        'the figure of mounting: requests ÷ parts',
      ),
      row(
        'reading the manifest',
        `${SECONDS_A_MILLION_FILES} s for a million files`,
        'the figure of verifying 1,000,000 files',
      ),
      row(
        'Lambda',
        `$${PRICES.dollarsPerGigabyteSecond.x86_64} a GB-second, ${rate(PRICES.dollarsPerInvocation, 1_000_000, 'invocations')}`,
        PRICE_SOURCE,
      ),
      row(
        'S3 Standard',
        `${rate(PRICES.dollarsPerRead, 1000, 'GET')}, ${rate(PRICES.dollarsPerWrite, 1000, 'PUT or LIST')}`,
        PRICE_SOURCE,
      ),
      row('Step Functions', rate(PRICES.dollarsPerTransition, 1000, 'transitions'), PRICE_SOURCE),
    ],
  );
}

const PRICE_SOURCE = `\`bench/night/prices.ts\`: ${PRICES.region}, ${PRICES.asOf}, first tier, no free tier`;

function arithmetic(whole: Estimate): string {
  const { bytesOfEach, filesOfEach } = TEN_TERABYTES;
  const { bill, parts, files } = whole;
  const weight = bytesOfEach + filesOfEach * BYTES_A_FILE;
  const partsAnItem = Math.ceil(parts / whole.checkItems);
  const manifest = (files / 1_000_000) * SECONDS_A_MILLION_FILES;
  const requestsAnItem = partsAnItem * (REQUESTS_TO_LOAD + filesOfEach);
  return table(
    ['What', 'Arithmetic', 'Result'],
    [
      row('bytes', `${countText(parts)} parts × ${bytesText(bytesOfEach)}`, bytesText(whole.bytes)),
      row(
        'parts in an item',
        `${bytesText(prover.gibibytesAnItem * 1024 ** 3)} ÷ (${bytesText(bytesOfEach)} + ${filesOfEach} × ${countText(BYTES_A_FILE)} bytes = ${countText(weight / 1_000_000)} MB), whole ones`,
        `${partsAnItem}`,
      ),
      row(
        'items',
        `${countText(parts)} ÷ ${partsAnItem}, spread evenly (\`planChecks\`), and ${whole.contentItems} that compares ${countText(parts + TEN_TERABYTES.tables)} small files (\`planContents\`)`,
        countText(whole.items),
      ),
      row(
        'an item takes',
        `${seconds(START_SECONDS)} + ${seconds(manifest)} for the manifest + ${partsAnItem} × ${bytesText(bytesOfEach)} ÷ ${bytesText(BYTES_A_SECOND)}/s + ${countText(requestsAnItem)} requests`,
        `${seconds(whole.itemSeconds)} of ${LONGEST_SECONDS}`,
      ),
      row(
        'the plan takes',
        `${seconds(START_SECONDS)} + ${seconds(manifest)} for the manifest + ${countText(parts * REQUESTS_TO_LOAD)} requests`,
        `${seconds(whole.planSeconds)} of ${LONGEST_SECONDS}`,
      ),
      row(
        '**time**',
        `plan + ${countText(whole.items)} ÷ ${prover.atOnce} = ${whole.waves} rounds × ${seconds(whole.itemSeconds)} + judgement`,
        `**${hours(whole.seconds)}**`,
      ),
      row(
        'Lambda',
        `the seconds of all × ${prover.memoryMiB / 1024} GB = ${countText(bill.gigabyteSeconds)} GB-seconds, ${countText(bill.invocations)} invocations`,
        dollars(bill.dollars.lambda),
      ),
      row(
        'S3',
        `${countText(parts)} parts × 2 × ${REQUESTS_TO_LOAD} + ${countText(files)} files + small ones = ${countText(bill.requests.reads)} GET; ${countText(bill.requests.writes)} PUT and LIST`,
        dollars(bill.dollars.requests),
      ),
      row(
        'Step Functions',
        `6 + 2 × ${countText(whole.items)} = ${countText(bill.transitions)} transitions`,
        dollars(bill.dollars.transitions),
      ),
      row('**all**', '', `**${dollars(bill.dollars.total)}**`),
    ],
  );
}

const VARIANTS: readonly (readonly [name: string, change: Partial<ProverSettings>])[] = [
  ['the defaults', {}],
  ['`atOnce: 100`', { atOnce: 100 }],
  ['`gibibytesAnItem: 4`', { gibibytesAnItem: 4 }],
  ['`gibibytesAnItem: 32`', { gibibytesAnItem: 32 }],
  ['`gibibytesAnItem: 64`', { gibibytesAnItem: 64 }],
  ['`memoryMiB: 2048`', { memoryMiB: 2048 }],
];

function variants(): string {
  const rate = measuredRate();
  const rows = [
    ...VARIANTS.map(([name, change]) => variant(name, { ...prover, ...change }, BYTES_A_SECOND)),
    ...(rate === undefined
      ? []
      : [variant(`the defaults, at the rate of the figures, ${bytesText(rate)} a second`, prover, rate)]),
  ];
  return table(['Settings', 'Items', 'An item', 'Time', 'Dollars'], rows);
}

function variant(name: string, settings: ProverSettings, bytesASecond: number): string {
  const { items, itemSeconds, seconds: all, bill } = estimate(TEN_TERABYTES, settings, bytesASecond);
  const cells = [name, countText(items)];
  return itemSeconds <= LONGEST_SECONDS
    ? row(...cells, seconds(itemSeconds), hours(all), dollars(bill.dollars.total))
    : row(...cells, `${seconds(itemSeconds)}: more than Lambda's ${LONGEST_SECONDS}`, '—', '—');
}

const figureSchema = z.looseObject({
  measurements: z.array(z.object({ name: z.string(), value: z.number() })),
});

/** Undefined where the figure of the proof has not been measured. */
function measuredRate(): number | undefined {
  const measurements = readResults(DEFAULT_FILE).flatMap((figure) => figureSchema.parse(figure).measurements);
  return measurements.find(({ name }) => name === `5.0 GB: ${READING_RATE}`)?.value;
}
