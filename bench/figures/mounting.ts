import { countText } from '../../cli/amounts.ts';
import { type Figure, type Measurement, measured, type Result, type Tools } from '../figure.ts';
import { type MountCost, measureMounting } from '../mount.ts';

const TABLES = 10_000;
const PARTS = 100_000;

export const mounting: Figure = {
  number: 9,
  title: `Mounting and counting ${countText(TABLES)} tables, ${countText(PARTS)} parts`,
  async measure({ workspace, say }: Tools): Promise<Result> {
    say('some minutes');
    const { tables, parts } = await measureMounting(workspace, { tables: TABLES, parts: PARTS });
    return {
      measurements: [
        ...measurementsOf(`${countText(TABLES)} tables`, tables),
        ...measurementsOf(`${countText(PARTS)} parts`, parts),
      ],
      notes: [
        'What the plan of a proof does with its engine, in a process of its own: the manifest read, the database mounted, rows, parts, bytes and fingerprints of every table counted. The tables have one part each; the parts lie in a hundred tables.',
        'The engine reads eight or nine small files of each part, one after the other within a table: what it takes is the time of requests. From this bucket one takes less than a millisecond; from S3 some ten to thirty, with more of them under way.',
      ],
      details: { tables, parts },
    };
  },
};

const measurementsOf = (
  name: string,
  { seconds, peakBytes, requests, manifestBytes }: MountCost,
): Measurement[] => [
  measured(`${name}: time`, seconds, 'seconds'),
  measured(`${name}: most memory`, peakBytes, 'bytes'),
  measured(`${name}: requests`, requests, 'count'),
  measured(`${name}: manifest`, manifestBytes, 'bytes'),
];
