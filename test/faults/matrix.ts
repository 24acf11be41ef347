/**
 * The faults that scheduled backups have met in the field, what must come of each, and the tests that show it. The table of
 * `docs/reliability.md` is made of this list and of a run of the tests.
 */

export interface ShownBy {
  /** Within `test/`. */
  readonly file: string;
  /** As it stands in the file, placeholders included. */
  readonly title: string;
}

export interface FaultRow {
  readonly number: number;
  readonly fault: string;
  readonly must: string;
  /** Tests of this folder, whose titles begin with `fault <number>:`. */
  readonly files: readonly string[];
  /** Tests elsewhere that show the same on another level. */
  readonly also?: readonly ShownBy[];
  /** What of it is not shown, or not there, and why. */
  readonly lacks?: string;
}

const row = (
  number: number,
  fault: string,
  must: string,
  files: readonly string[],
  more: Pick<FaultRow, 'also' | 'lacks'> = {},
): FaultRow => ({ number, fault, must, files, ...more });

const SERVER = ['server.test.ts'];
const STORAGE = ['storage.test.ts'];
const CLOCK = ['clock.test.ts'];
const RULES = ['rules.test.ts'];
const NAMES = ['names.test.ts'];
const RESTORE = ['restore.test.ts'];
const ALERTS = ['alerts.test.ts'];
const BAD_DAY = ['bad-day.test.ts'];

const shownBy = (file: string, title: string): ShownBy => ({ file, title });

export const MATRIX: readonly FaultRow[] = [
  row(
    1,
    'The execution dies in the middle of a backup',
    'Nothing of it counts; the next night is clean; what it left is said to have failed and is swept away after the grace',
    SERVER,
    {
      also: [
        shownBy(
          'workflow/interrupted.test.ts',
          'killed $moment $step, a repeated start brings the night to its end',
        ),
      ],
    },
  ),
  row(
    2,
    'ClickHouse is restarted in the middle of a backup and has forgotten it (ClickHouse#43995)',
    'Lost, and never a success; the bucket decides; another attempt follows',
    SERVER,
    {
      also: [
        shownBy(
          'workflow/engine-crash.test.ts',
          'a backup whose server is killed is lost, and the next attempt is verified',
        ),
      ],
    },
  ),
  row(
    3,
    'A backup that never ends (ClickHouse#92649, ClickHouse#65551)',
    'It is cancelled when it stands still or when its time is over, and told',
    SERVER,
    { also: [shownBy('functions/backup/poll.test.ts', 'cancels it and gives it up')] },
  ),
  row(
    4,
    'The lock of a crashed backup blocks its prefix for ever (ClickHouse#114109)',
    'Each attempt has a prefix of its own',
    SERVER,
  ),
  row(5, 'A start is delivered several times, or a day late', 'One backup for one scheduled time', SERVER, {
    also: [
      shownBy(
        'workflow/repeated-start.test.ts',
        'the start for %s, delivered three times at once, makes one backup',
      ),
    ],
  }),
  row(
    6,
    'A step is repeated although it had succeeded',
    'The repeat finds what was done: one BACKUP for one id',
    SERVER,
    {
      also: [
        shownBy(
          'functions/prove/resume.test.ts',
          'leave one plan, one result for each item, and one page of evidence',
        ),
      ],
    },
  ),
  row(
    7,
    'The backup before is still running',
    'The scheduled time is skipped, with its reason, and counted; three in a row are an alarm',
    [...SERVER, ...CLOCK],
    {
      also: [
        shownBy(
          'workflow/waiting.test.ts',
          'a scheduled time that comes while a backup of the target is being written makes none',
        ),
        shownBy('functions/watch/publish-ages.test.ts', 'of both schedules, since a backup last began'),
      ],
    },
  ),
  row(
    8,
    'The schedule does not run any more',
    'An alarm on the age of the newest good backup; starts that were not delivered are kept and alarm',
    CLOCK,
    {
      also: [
        shownBy(
          'infra/schedules.test.ts',
          'a start is tried for an hour and then kept among the dead letters',
        ),
      ],
    },
  ),
  row(
    9,
    'The hour that is skipped in spring and repeated in autumn',
    'UTC by default; a run in the skipped hour is missed at most once, expected by the alarm and said at synthesis; one in the repeated hour happens once',
    CLOCK,
    { also: [shownBy('infra/lifetimes.test.ts', 'is warned of when the zone skips it')] },
  ),
  row(
    10,
    'A clock that is wrong',
    'What is dated in the future takes no slot and is not counted as fresh; a clock that is behind makes no backup look fresher',
    CLOCK,
    {
      also: [shownBy('cli/target-health.test.ts', 'does not count a backup that is dated in the future')],
      lacks: 'Backups are ordered by the clock of the function that began them, not by that of S3.',
    },
  ),
  row(
    11,
    'S3 says SlowDown, fails, or does not answer',
    'Asked again, a bounded number of times; weeks of it leave every backup whole',
    BAD_DAY,
    {
      also: [
        shownBy(
          'functions/prove/trouble.test.ts',
          'reads again what it could not read at first, and then it is proven',
        ),
      ],
    },
  ),
  row(
    12,
    'A connection breaks in the middle of an object',
    'Read on, or again; the rows that are restored are the same',
    BAD_DAY,
    {
      also: [
        shownBy('clients/bucket.test.ts', 'whose stream breaks in the middle is a failure of S3 that passes'),
      ],
    },
  ),
  row(
    13,
    'DeleteObjects answers 200 and has not deleted',
    'Errors of single keys are read, and the prefix is listed until it is empty',
    STORAGE,
    { also: [shownBy('clients/removal.test.ts', 'gives up after five rounds with keys that always fail')] },
  ),
  row(
    14,
    'A deletion ends half way',
    'The manifest goes first, so what is left looks like no backup; the next run finishes',
    STORAGE,
    { also: [shownBy('functions/retention/remove.test.ts', 'comes to the same end wherever it is killed')] },
  ),
  row(15, 'Credentials expire on the way', 'Said as what it is; the next attempt has new ones', SERVER, {
    also: [
      shownBy(
        'clients/destination.test.ts',
        'takes some that can only write this target, for the time that is set',
      ),
    ],
  }),
  row(
    16,
    'A permission is lost',
    'Told on the day at which it is lost, with what is missing, by an examination with the real role, and by a backup without a storm of retries; nothing is concluded from a listing that was refused',
    [...SERVER, ...STORAGE],
    {
      also: [
        shownBy(
          'clients/bucket.test.ts',
          'that breaks off on its second page is an error, not a shorter list',
        ),
      ],
    },
  ),
  row(
    17,
    'The key is disabled, or will be deleted',
    'Told at once as what it is; the daily examination finds it without a backup, and names the day of the deletion',
    SERVER,
    {
      also: [shownBy('functions/doctor/conclude.test.ts', 'that is %s is told with what to do')],
    },
  ),
  row(
    18,
    'ClickHouse runs out of memory',
    'The next attempt asks it to hold less at once; when that does not help, told by its name, with what would need less',
    SERVER,
    {
      also: [
        shownBy(
          'functions/backup/prepare.test.ts',
          'asks for less memory once it has run out, for as long as attempts follow, and a repeat asks for the same',
        ),
      ],
      lacks:
        "The number of threads is the server's own: no statement can lower it. The next night begins as usual again.",
    },
  ),
  row(
    19,
    'No room where a restore goes',
    'Nothing is begun; what is needed and what is free is said. One that fills up on the way leaves nothing half-filled',
    RESTORE,
  ),
  row(
    20,
    'A bit flips in an object',
    'The proof fails and names it; the backup is out of use, and nothing is built on it',
    RESTORE,
    {
      also: [
        shownBy(
          'functions/prove/damage.test.ts',
          'is found, whatever its kind, and named by table, part and file',
        ),
      ],
    },
  ),
  row(21, 'Objects are missing', 'Counted all, the first named; the backup is not good', STORAGE),
  row(22, 'An object is cut short', 'Named with both sizes; the backup is not good', STORAGE),
  row(
    23,
    'The manifest is empty, cut off or garbled',
    'Its backup fails by a name, and the others stay in the list',
    STORAGE,
    { also: [shownBy('cli/verbs/sql.test.ts', 'says that a manifest cannot be read')] },
  ),
  row(24, 'The manifest names places outside its prefix', 'Refused; nothing outside is read', STORAGE),
  row(
    25,
    'Retention meets a restore',
    'A pin holds the backup and its base; it is let go at the end, or lapses',
    RESTORE,
    {
      also: [
        shownBy(
          'functions/restore/restore.test.ts',
          'keeps retention away from its chain, and lets go of it at the end',
        ),
      ],
    },
  ),
  row(
    26,
    'Retention meets a running incremental',
    'Its base is pinned from the start, and looked at again at the end',
    STORAGE,
    {
      also: [
        shownBy(
          'functions/backup/prepare.test.ts',
          'pins the base before it opens its page, so that no moment is left in which the base could go',
        ),
      ],
    },
  ),
  row(27, 'Two restores at once', 'Of one backup, yes; into one database, no', RESTORE),
  row(
    28,
    'A person or a lifecycle rule deletes a base',
    'What stands on it is refuted by its next proof; the next backup is a full one; retention itself never does it',
    STORAGE,
    {
      also: [
        shownBy(
          'functions/retention/plan.test.ts',
          'keeps a full backup for as long as an incremental needs it',
        ),
      ],
    },
  ),
  row(
    29,
    'An incremental on a base that is damaged already (ClickHouse#112395)',
    'The base is counted before anything is built on it: a full backup is made instead, and says why',
    STORAGE,
  ),
  row(30, 'Everything fails for weeks', 'The last good backups stay, however old they become', RULES),
  row(
    31,
    'Rules that are mistyped, zero, negative or empty',
    'Refused at synthesis and again where retention runs',
    RULES,
  ),
  row(
    32,
    'Rules that shrink from thirty days to three',
    'A share at a time, after a grace in which the marks can be taken back',
    RULES,
    {
      also: [
        shownBy(
          'cli/verbs/retention.test.ts',
          'gives every backup a line with what becomes of it and why, and changes nothing',
        ),
      ],
    },
  ),
  row(33, 'Two backups in one second', 'An id each; what is written once is not written over', RULES),
  row(34, 'Names that are SQL', 'Quoted by one function; they do nothing', NAMES, {
    also: [shownBy('cli/grant-statements.test.ts', 'stays one statement to one user whatever the names are')],
  }),
  row(35, 'Names of any script, length and punctuation', 'Back byte for byte', NAMES),
  row(
    36,
    'A table is dropped, renamed or made meanwhile',
    'One that is missing fails the backup by its name: no omission is silent',
    NAMES,
  ),
  row(37, 'Tables whose data ClickHouse does not save', 'Each is named with what is covered', NAMES, {
    also: [
      shownBy(
        'workflow/backup.test.ts',
        'what the Buffer table holds is not in the backup, and the ledger says so',
      ),
    ],
  }),
  row(
    38,
    'Nothing to back up, or suddenly much less',
    'Nothing is a valid backup; a sudden fall is told',
    NAMES,
    {
      also: [
        shownBy(
          'functions/prove/assertions.test.ts',
          'against the proven backup before is told, and is a proof all the same',
        ),
      ],
    },
  ),
  row(
    39,
    'Millions of objects, thousands of tables',
    'Streamed and listed page by page in constant memory; the state of an execution stays small',
    ALERTS,
    {
      also: [
        shownBy(
          'core/verification-memory.test.ts',
          'verifies 1,000,000 files against 1,000,000 objects within 256 MB',
        ),
      ],
    },
  ),
  row(
    40,
    'Another replica answers',
    'That it does not know the backup is neither an end nor a success',
    ['replicas.test.ts'],
    { also: [shownBy('functions/backup/poll.test.ts', 'by another replica is not lost')] },
  ),
  row(
    41,
    'A restore where rows stand already, or where a replica lags',
    'Beside the live database by default; refused where rows would be mixed',
    RESTORE,
    {
      also: [shownBy('functions/restore/restore.test.ts', 'never mixes with rows that are there')],
      lacks: 'The embedded engine has no Keeper: a replica that lags is not shown here.',
    },
  ),
  row(
    42,
    'One shard of several fails',
    'The backup fails and the shard is named, also when ClickHouse reports success; no part of it is good',
    ALERTS,
    {
      also: [
        shownBy(
          'core/verification-shards.test.ts',
          'are missing exactly when no file lies under them, in whatever order the files come',
        ),
      ],
      lacks:
        'One machine has one shard: what the cluster answers and writes is made up. Which shards there are is the word of the server, when the backup begins; where it does not say, nothing is compared.',
    },
  ),
  row(43, 'A drill dies and leaves its databases', 'Found within the hour, and dropped', RESTORE, {
    also: [
      shownBy(
        'infra/sweep.test.ts',
        'is told of every restore that was stopped or ran out of time, and of nothing else',
      ),
    ],
  }),
  row(
    44,
    'A prover that sees nothing',
    'Found out on a damaged control backup before each verdict',
    RESTORE,
    {
      also: [
        shownBy('functions/prove/self-test.test.ts', 'knows an engine that answers nothing for blind'),
        shownBy('functions/restore/restore.test.ts', 'does not pass for one that compared something'),
      ],
    },
  ),
  row(
    45,
    'Nobody hears the alert',
    'An alarm on failures that were not told; alerts that a webhook does not take are kept and alarm; `status` and `doctor` say which alarms ring and who has not confirmed; a deaf deployment is said at synthesis; a trial alert on a schedule, for whoever wants one',
    ALERTS,
    {
      also: [
        shownBy('functions/alert/webhook.test.ts', 'that answers %i has not taken the alert'),
        shownBy('cli/alert-health.test.ts', 'takes what it may not know for unknown, and not for well'),
        shownBy('cli/alarm-health.test.ts', 'finds alarms that were deleted, or would tell nobody'),
        shownBy(
          'security/paging.test.ts',
          'goes the way that a trial alert goes, which is in the same hands when it is due',
        ),
      ],
    },
  ),
  row(46, 'The metric stops', 'Missing data is an alarm', CLOCK, {
    also: [
      shownBy(
        'functions/watch/publish-ages.test.ts',
        'publishes no age where there is no good backup: silence is an alarm',
      ),
    ],
  }),
  row(
    47,
    'Object Lock forbids a deletion',
    'A lock that outlasts the rules is refused at synthesis; a deletion that is refused is told with its key and finished later',
    [...STORAGE, ...RULES],
  ),
  row(
    48,
    'Uploads that nobody completes',
    'Aborted by a rule of the bucket, never while a backup may still run; until then counted, with their bytes and their age',
    [...RULES, ...SERVER],
    {
      also: [
        shownBy(
          'cli/verbs/status.test.ts',
          'counts the uploads that nobody will complete, without calling anything wrong',
        ),
      ],
    },
  ),
  row(
    49,
    'Junk that is newer than the good backups',
    'Only what was verified takes a slot; only one role can delete',
    RULES,
  ),
  row(
    50,
    'Another release of ClickHouse or of Safehouse',
    'What cannot be read or restored is refused before anything is begun',
    ['golden.test.ts', ...RESTORE],
  ),
  row(
    51,
    'Secrets in the errors of others',
    'Redacted in alerts, ledger, logs and the end of an execution',
    ALERTS,
    {
      also: [
        shownBy(
          'functions/backup/submit.test.ts',
          'keeps secrets out of the statement and out of the address',
        ),
      ],
    },
  ),
  row(
    52,
    'The stack is gone',
    'The bucket stays; its ledger has the statement that restores without Safehouse',
    RESTORE,
    { also: [shownBy('infra/backup-bucket.test.ts', 'stays when the stack goes')] },
  ),
];
