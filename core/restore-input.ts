/** What starts a restore: short enough to be typed by hand into the console, and checked before anything is done. */
import * as z from 'zod';
import { SYSTEM_DATABASES, tableNameSchema } from './config.ts';

export const RESTORE_MODES = [
  /** Whole databases under new names, beside the live ones. */
  'new',
  /** Under the same names, which must be absent, or empty. */
  'asIs',
  /** Under the same names, which are dropped first: `confirm` names the databases once more. */
  'replace',
  /** The data alone, into empty tables that exist, whatever their engine. */
  'intoExisting',
  /** The data alone, added to the rows that are there: `confirm` has the word `append`. */
  'append',
] as const;
export type RestoreMode = (typeof RESTORE_MODES)[number];

/** The word that `confirm` must have before rows are added to rows. */
export const APPEND = 'append';

/** Which backup: an id, or one of these. */
export const NEWEST = ['latest-proven', 'latest'] as const;

const name = z.string().min(1);

const partitionsSchema = z.strictObject({
  table: tableNameSchema,
  /** As `system.parts.partition_id` has them. */
  ids: z.array(name).min(1),
});

/**
 * Example: `{ "target": "langsmith" }`, which restores the newest proven backup into databases with new names, or
 * `{ "target": "langsmith", "backup": "20260402T020000Z-full-k3f9", "mode": "asIs", "tables": ["default.runs"] }`.
 */
export const restoreInputSchema = z
  .strictObject({
    /** Whose backup it is. */
    target: name,
    /** An id; `latest-proven`; or `latest`, proven or not. */
    backup: name.default('latest-proven'),
    /** The newest good backup that began no later than this. */
    at: z.iso.datetime({ offset: true }).optional(),
    /** Where to: the same target, unless another one is named. */
    to: name.optional(),
    /** `new` by default, and `asIs` where tables or partitions are named. */
    mode: z.enum(RESTORE_MODES).optional(),
    databases: z.array(name).min(1).optional(),
    tables: z.array(tableNameSchema).min(1).optional(),
    partitions: z.array(partitionsSchema).min(1).optional(),
    /** Tables of whole databases that are left out. */
    except: z.array(tableNameSchema).min(1).optional(),
    /** Names of databases in the backup, and what they are called on the server. */
    as: z.record(name, name).optional(),
    /** Definitions without data. */
    structureOnly: z.boolean().default(false),
    /** Nothing that is restored reads from or writes to anything outside: Kafka, S3, other servers, refreshes. */
    quiet: z.boolean().optional(),
    /** Takes the place of the storage policies that the tables name. */
    storagePolicy: name.optional(),
    /** `replace`: the names of the databases that are dropped; `append`: the word `append`. */
    confirm: z.array(name).default([]),
    /** Findings of the preflight that would stop it, by their names, and that are taken on oneself. */
    accept: z.array(name).default([]),
    /** Reads every byte of what was restored with CHECK TABLE. */
    check: z.boolean().default(false),
    /** Says what would be done, and does nothing. */
    dryRun: z.boolean().default(false),
    /** Into scratch databases that are compared, checked and dropped again, whatever happens. */
    drill: z.boolean().default(false),
  })
  .superRefine((input, context) => {
    const refuse = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    const { mode, as, databases = [], tables = [], partitions = [] } = input;
    const parts = tables.length > 0 || partitions.length > 0;
    if (input.at !== undefined && input.backup !== 'latest-proven')
      refuse('at', 'and `backup` both choose the backup: leave one out');
    if (databases.length > 0 && parts)
      refuse('databases', 'cannot stand beside `tables` or `partitions`: name one of them');
    if (input.except !== undefined && parts)
      refuse(
        'except',
        'leaves tables out of whole databases: with `tables` or `partitions` name only those that are wanted',
      );
    if (mode === 'new' && parts)
      refuse(
        'mode',
        'new takes whole databases: a view under a new name would go on writing to the live tables. For single tables: "asIs" (they must be absent or empty), or restore the whole database under a new name and copy from there',
      );
    if (as !== undefined && (parts || (mode !== undefined && mode !== 'new')))
      refuse('as', 'gives databases new names, which goes with `mode` new and whole databases');
    if (input.drill && (parts || as !== undefined || (mode !== undefined && mode !== 'new')))
      refuse(
        'drill',
        'makes scratch databases of its own: leave `mode`, `as`, `tables` and `partitions` out',
      );
    if (input.drill && input.structureOnly)
      refuse('drill', 'compares data, so `structureOnly` must be false');
    const named = [
      ...databases,
      ...[...tables, ...partitions.map(({ table }) => table)].map(({ database }) => database),
      ...Object.keys(as ?? {}),
    ];
    const unasked =
      databases.length === 0 ? [] : Object.keys(as ?? {}).filter((from) => !databases.includes(from));
    if (unasked.length > 0)
      refuse(
        'as',
        `renames ${unasked.map((from) => JSON.stringify(from)).join(', ')}, which \`databases\` does not name`,
      );
    for (const database of new Set([...named, ...Object.values(as ?? {})]))
      if ((SYSTEM_DATABASES as readonly string[]).includes(database))
        refuse(
          'databases',
          `names ${JSON.stringify(database)}, which belongs to ClickHouse itself and is never restored`,
        );
    const newNames = Object.values(as ?? {});
    if (new Set(newNames).size < newNames.length) refuse('as', 'gives two databases the same name');
  });
export type RestoreInput = z.input<typeof restoreInputSchema>;
export type RestoreRequest = z.output<typeof restoreInputSchema>;
