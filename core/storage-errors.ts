/**
 * What S3 said, out of the text of ClickHouse's code 499 S3_ERROR. ClickHouse wraps S3's words in several ways, and where a
 * HEAD request is refused there are no words at all.
 */

import { LOCK } from './keys.ts';

/** What follows from an error, before it is known where ClickHouse said it and of what operation. */
export interface Finding {
  readonly next: /** Nothing is wrong with the call: the same again, later. */
    | 'later'
    /** A new attempt under a new id and prefix. */
    | 'anew'
    /** A person has to change something first. */
    | 'fix'
    /** A person has to drop what a restore would collide with. */
    | 'drop'
    /** It has happened. */
    | 'done';
  readonly what: string;
  readonly remedy: string;
}

export type Operation = 'backup' | 'restore' | 'query';

/**
 * The cause of an S3_ERROR.
 *
 * @param text what ClickHouse said, without code, name and stack trace
 */
export function findStorageCause(text: string, operation: Operation): Finding {
  const { place, speech } = placeIn(text);
  const cause = CAUSES.find(({ says }) => says.test(speech)) ?? UNKNOWN;
  const found = (cause.says.exec(text) ?? cause.says.exec(speech))?.groups ?? {};
  const said: Said = { text, found, operation, ...place, where: placeText(place) };
  const sentence = (part: Sentence): string => (typeof part === 'string' ? part : part(said));
  return { next: cause.next, what: sentence(cause.what), remedy: sentence(cause.remedy) };
}

interface Place {
  readonly bucket?: string | undefined;
  readonly key?: string | undefined;
}

interface Said extends Place {
  readonly text: string;
  readonly found: Readonly<Partial<Record<string, string>>>;
  readonly operation: Operation;
  readonly where: string;
}

type Sentence = string | ((said: Said) => string);

interface Cause {
  readonly says: RegExp;
  readonly next: Finding['next'];
  readonly what: Sentence;
  readonly remedy: Sentence;
}

const PLACES = [
  /key (?<key>\S.*?) in bucket (?<bucket>[^\s:]+): /d,
  /bucket (?<bucket>[^\s,]+), key (?<key>.+?), object size/d,
  /Key: (?<key>.+?), Bucket: (?<bucket>[^\s,]+), Object size/d,
  /reading key: (?<key>.+?), from bucket: (?<bucket>[\w.-]*\w)/d,
  /object with path (?<key>.+?) from S3/d,
];

/**
 * Where it happened, and the text without the object's key: a key is somebody's choice of words, and a table named SlowDown
 * must not look like a throttled bucket.
 */
function placeIn(text: string): { place: Place; speech: string } {
  for (const pattern of PLACES) {
    const match = pattern.exec(text);
    const span = match?.indices?.groups?.['key'];
    if (match === null || span === undefined) continue;
    const { bucket, key } = match.groups ?? {};
    const instead = key?.endsWith(LOCK) === true ? LOCK : '';
    return { place: { bucket, key }, speech: text.slice(0, span[0]) + instead + text.slice(span[1]) };
  }
  return { place: {}, speech: text };
}

function placeText({ bucket, key }: Place): string {
  const object = key === undefined ? 'an object' : `the object ${key}`;
  return bucket === undefined ? object : `${object} in the bucket ${bucket}`;
}

const bucketText = ({ bucket }: Place): string =>
  bucket === undefined ? 'the bucket' : `the bucket ${bucket}`;

const POLICY = '`safehouse policy` prints the whole policy.';
const ENDPOINT = "the bucket's region and endpoint, or the url in the named collection";

/** The action that a refused request needed, as far as ClickHouse's words show it. */
function actionOf(text: string): string {
  if (text.includes('while reading')) return 's3:GetObject';
  if (text.includes('while removing')) return 's3:DeleteObject';
  return /object size|uploading part|multipart/i.test(text)
    ? 's3:PutObject'
    : 's3:GetObject, s3:PutObject and s3:ListBucket';
}

const resourceOf = ({ bucket, key }: Place): string =>
  bucket === undefined ? "the backup's prefix" : `arn:aws:s3:::${bucket}/${key ?? '*'}`;

/** The first that matches speaks, so what is more particular comes first. */
const CAUSES: readonly Cause[] = [
  {
    says: /while removing object with path (?<lock>\S*\.lock) from S3/,
    next: 'done',
    what: ({ found }) =>
      `The backup is written, but S3 did not let ClickHouse remove its lock ${found['lock']}: that alone is why ClickHouse reports a failure.`,
    remedy: `Allow s3:DeleteObject on objects that end in .lock to the role that ClickHouse writes with. ${POLICY} The backup counts as soon as it is verified.`,
  },
  {
    says: /(?:User: )?(?<who>arn:\S+) is not authorized to perform: (?<action>kms:\w+)(?: on resource: "?(?<resource>arn:[^"\s,]+))?/,
    next: 'fix',
    what: ({ found, where }) =>
      `S3 could not encrypt or decrypt ${where}: ${found['who']} is not allowed ${found['action']} on the key ${found['resource'] ?? 'of the bucket'}.`,
    remedy: ({ found }) =>
      `Allow kms:GenerateDataKey and kms:Decrypt on ${found['resource'] ?? "the bucket's KMS key"} to ${found['who']}, in its IAM policy and in the key's own policy.`,
  },
  {
    says: /KMS\.(?<problem>\w+)(?: Message: (?<message>[^,]*?)\.*(?:,|$))?|\bkms\b/i,
    next: 'fix',
    what: ({ found, where }) =>
      `S3 could not use the KMS key for ${where}: ${[found['problem'], found['message']].filter(Boolean).join(', ') || 'it did not say why'}.`,
    remedy:
      'Look at the key in KMS: enable it again, or cancel its deletion. Backups that are encrypted with it cannot be read without it either.',
  },
  {
    says: /(?:User: )?(?<who>arn:\S+) is not authorized to perform: (?<action>[\w-]+:\w+)(?: on resource: "?(?<resource>arn:[^"\s,]+)"?)?(?<because> (?:because|with)\b[^,]*)?/,
    next: 'fix',
    what: ({ found, where }) =>
      `S3 refused ${where}: ${found['who']} is not allowed ${found['action']}${found['because'] ?? ''}.`,
    remedy: ({ found, where }) =>
      found['because']?.includes('explicit deny') === true
        ? `Take the Deny on ${found['action']} away: no Allow outweighs it.`
        : `Allow ${found['action']} on ${found['resource'] ?? where} to ${found['who']}. ${POLICY}`,
  },
  {
    says: /Not found address of host: (?<host>[\w.-]*\w)|DNS_ERROR/,
    next: 'later',
    what: ({ found }) => `ClickHouse could not find the address of ${found['host'] ?? 'S3'} in DNS.`,
    remedy: `Check ${ENDPOINT}, and the DNS that the server uses.`,
  },
  {
    says: /certificate|SSL|TLS/,
    next: 'fix',
    what: ({ text }) => `ClickHouse could not agree with S3 on an encrypted connection: ${text}`,
    remedy: `Check ${ENDPOINT}, and the certificate authorities in the server's <openSSL> configuration.`,
  },
  {
    says: /Connection refused/,
    next: 'later',
    what: ({ where }) => `Nothing listened where ClickHouse looked for S3 (${where}): connection refused.`,
    remedy: `Check ${ENDPOINT}, and that the server's network leads there.`,
  },
  {
    says: /specified bucket does not exist|NoSuchBucket/,
    next: 'fix',
    what: (said) =>
      `There is no ${bucketText(said).slice('the '.length)} at the address that ClickHouse was given.`,
    remedy:
      "Check the bucket's name, its region and the endpoint; `safehouse doctor` shows what the target uses.",
  },
  {
    says: /specified key does not exist|NoSuchKey/,
    next: 'fix',
    what: ({ operation, where }) =>
      operation === 'backup'
        ? `The base of this backup is incomplete: ${where} is missing.`
        : `The backup is incomplete: ${where} is missing.`,
    remedy: ({ operation }) =>
      operation === 'backup'
        ? 'Start a full backup (`safehouse backup TARGET --kind full`), and find out what removes objects: a lifecycle rule, a person, another tool.'
        : 'Use another backup (`safehouse list` shows them), and find out what removes objects: a lifecycle rule, a person, another tool. An older version may still be in a versioned bucket.',
  },
  {
    says: /ExpiredToken|token (?:has|is) expired/i,
    next: 'anew',
    what: ({ where }) =>
      `The temporary credentials expired before ClickHouse was done (${where}). It cannot renew them while it runs.`,
    remedy:
      "A new attempt gets new ones. If a backup takes longer than they last, raise `durationSeconds` under `s3` of the target and the role's maximum session duration, or let the server use a role of its own.",
  },
  {
    says: /InvalidToken|token is malformed/,
    next: 'fix',
    what: (said) => `S3 did not accept the session token of the credentials for ${bucketText(said)}.`,
    remedy:
      'Check that key, secret and token come from the same call to STS and belong to this account and partition.',
  },
  {
    says: /InvalidAccessKeyId|Access Key Id you provided does not exist/,
    next: 'fix',
    what: (said) => `S3 does not know the access key with which ClickHouse came to ${bucketText(said)}.`,
    remedy:
      "The key was deleted or mistyped, or belongs to another S3: put a valid one where the target's configuration or the named collection takes it from.",
  },
  {
    says: /SignatureDoesNotMatch|request signature we calculated/,
    next: 'fix',
    what: (said) =>
      `The secret access key with which ClickHouse came to ${bucketText(said)} does not belong to its access key id.`,
    remedy: 'Store key id and secret again, from the same key, without blanks or line breaks around them.',
  },
  {
    says: /RequestTimeTooSkewed|difference between the request time and/,
    next: 'fix',
    what: "The clock of the ClickHouse server differs too much from S3's: it refuses requests that are 15 minutes off.",
    remedy: 'Set the clock of the server: chrony or systemd-timesyncd must run there.',
  },
  {
    says: /SlowDown|reduce your request rate|ServiceUnavailable|TooManyRequests|response code: (?:429|503)/i,
    next: 'later',
    what: (said) => `S3 asked ClickHouse to slow down more often than it repeats a request (${said.where}).`,
    remedy:
      'Later attempts usually pass. If not, raise `backup_restore_s3_retry_attempts`, lower `max_backup_bandwidth`, or spread the objects over prefixes with `data_file_name_generator = checksum` in the settings of the target.',
  },
  {
    says: /InternalError|internal error|RequestTimeout|response code: 5\d\d/i,
    next: 'later',
    what: ({ where }) => `S3 failed within itself more often than ClickHouse repeats a request (${where}).`,
    remedy: 'Later attempts usually pass. If not, look at the health page of S3 in this region.',
  },
  {
    says: /InvalidStorageClass|storage class you specified is not valid/,
    next: 'fix',
    what: (said) => `S3 does not know the storage class that was asked for in ${bucketText(said)}.`,
    remedy:
      'Correct `s3_storage_class` in the settings of the target, for example STANDARD_IA; not every S3 has every class.',
  },
  {
    says: /InvalidObjectState|not valid for the object's/,
    next: 'fix',
    what: ({ where }) => `S3 has archived ${where}: it cannot be read until it is brought back.`,
    remedy:
      'Bring the objects of the backup back with S3 RestoreObject, and keep lifecycle rules from moving backups to GLACIER or DEEP_ARCHIVE.',
  },
  {
    says: /PermanentRedirect|must be addressed using the specified endpoint|AuthorizationHeaderMalformed|response code: 30\d/,
    next: 'fix',
    what: (said) =>
      `S3 has ${bucketText(said)} in another region, or under another address, than ClickHouse was given.`,
    remedy: `Correct ${ENDPOINT}: ClickHouse must be sent to the bucket's own region.`,
  },
  {
    says: /PreconditionFailed|pre-conditions you specified/,
    next: 'anew',
    what: ({ where }) =>
      `S3 said that ${where} was there already: another backup, or the server's own repeated request (ClickHouse#116376).`,
    remedy: 'A new attempt writes under a prefix of its own.',
  },
  {
    says: /AllAccessDisabled|AccountProblem/,
    next: 'fix',
    what: (said) => `AWS has disabled access to ${bucketText(said)}.`,
    remedy: "Look at the account's messages, or ask AWS support.",
  },
  {
    says: /Failed to check existence.*(?:response code: 403|ACCESS_DENIED)/,
    next: 'fix',
    what: ({ where }) =>
      `S3 refused (403) to tell ClickHouse whether it has ${where}, without a reason: such a request never gets one.`,
    remedy:
      "Check in this order: s3:ListBucket on the bucket and s3:GetObject below the prefix (`safehouse policy` prints them); whether the server can assume its role, since otherwise it sends requests unsigned; from 26.7 on `s3_allow_server_credentials_in_user_queries = 1` for the user, where the server's own credentials are meant; the keys; the server's clock.",
  },
  {
    says: /Failed to check existence.*response code: 400/,
    next: 'fix',
    what: ({ where }) =>
      `S3 found the request for ${where} faulty (400), without a reason: such a request never gets one.`,
    remedy: `Check ${ENDPOINT}, and whether temporary credentials have expired.`,
  },
  {
    says: /access[ _]?denied/i,
    next: 'fix',
    what: ({ where }) => `S3 refused ClickHouse ${where}: access denied.`,
    remedy: (said) =>
      `Allow ${actionOf(said.text)} on ${resourceOf(said)} to the role or key that ClickHouse uses, and look for a Deny in the bucket's policy. ${POLICY}`,
  },
  {
    says: /EntityTooLarge|QuotaExceeded|response code: 413/,
    next: 'fix',
    what: ({ text }) => `S3 would not take so much data: ${text}`,
    remedy:
      'Raise the quota of the bucket or the account, or the request size that a gateway before S3 lets through.',
  },
  {
    says: /NETWORK_CONNECTION|Connection reset|Timeout|timed out|Broken pipe|No route to host|unreachable/,
    next: 'later',
    what: ({ where }) => `The connection between ClickHouse and S3 broke or never came about (${where}).`,
    remedy: `Check ${ENDPOINT}, the route and the security groups between the server and S3; a gateway endpoint for S3 in the VPC keeps the way short.`,
  },
];

const UNKNOWN: Cause = {
  says: /(?:)/,
  next: 'anew',
  what: ({ text }) => `S3 answered ClickHouse with an error that this release does not know: ${text}`,
  remedy:
    "Look the words up in the documentation of the S3 in use, and at the server's log around that time.",
};
