/**
 * Text from outside (ClickHouse, S3, the network) on its way to a person: without secrets, and without anything that
 * could act on a terminal, a log reader or the eye.
 */

const HIDDEN = '[redacted]';

/** The longest text that an alert or the ledger carries, in UTF-16 units. */
export const HARMLESS_LENGTH = 600;

const SECRET_NAME =
  '(?:secret_?access_?key|session_?token|security_?token|access_?token|refresh_?token|client_?secret|' +
  'secret(?:_?key)?|password|passwd|pwd|passphrase|private_?key|api_?key|account_?key)';
/** A quoted value, closed or cut off, with whatever follows it directly: a quote inside a secret does not end it. */
const VALUE = String.raw`(?:'(?:[^'\\]|\\.)*'?|"(?:[^"\\]|\\.)*"?)?[^\s,;&)<>]*`;
/** A quoted SQL string that is not the `<placeholder>` of a statement printed for a person. */
const QUOTED = String.raw`'(?!<[^'>]*>')(?:[^'\\]|\\.)*'?`;

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, HIDDEN],
  // user:password@host, in an address and bare
  [/(:\/\/)[^\s'"/?#:@]*:[^\s'"/?#]*@/g, `$1${HIDDEN}@`],
  [/(?<![\w.+-])[\w.+-]+:[^\s@'"/:]+@(?=[\w.[-])/g, `${HIDDEN}@`],
  [/(authorization["']?\s*[:=]\s*["']?)[^\r\n"']*/gi, `$1${HIDDEN}`],
  [/\b(basic|bearer)\s+(?=[\w.~+/-]*\d)[\w.~+/-]{16,}=*/gi, `$1 ${HIDDEN}`],
  [/(X-Amz-(?:Signature|Credential|Security-Token)["']?\s*[:=]\s*["']?)[^&\s"'<>]*/gi, `$1${HIDDEN}`],
  [/\b((?:Signature|Credential)=)[^&,\s"'<>]*/g, `$1${HIDDEN}`],
  // password='…', "SecretAccessKey": "…", equals(session_token, '…'), <secret_access_key>…<
  [new RegExp(String.raw`(${SECRET_NAME}["'\`]?\s*(?:=>?|:|,(?=\s*['"]))\s*)${VALUE}`, 'gi'), `$1${HIDDEN}`],
  [new RegExp(String.raw`(<${SECRET_NAME}(?:\s+\w+="[^"]*")*\s*>)[^<]*`, 'gi'), `$1${HIDDEN}`],
  [new RegExp(String.raw`(IDENTIFIED\s+(?:WITH\s+\w+\s+)?BY\s+)${QUOTED}`, 'gi'), `$1'${HIDDEN}'`],
  // S3('url', 'key', 'secret')
  [new RegExp(String.raw`(S3\(\s*(?:'(?:[^'\\]|\\.)*'\s*,\s*){2})${QUOTED}`, 'gi'), `$1'${HIDDEN}'`],
];

/** Taken whole, so that a text of nothing but their beginnings is read once and not from each of them to its end. */
const DOTTED = /(?<![\w-])(?:[\w-]+\.){2,}[\w-]*/g;

/** Three parts with dots between, the first the base64 of `{"`. */
function redactWebTokens(text: string): string {
  return text.replace(DOTTED, (run) => {
    const at = run.indexOf('eyJ');
    const parts = at < 0 ? [] : run.slice(at).split('.');
    return parts.length < 3 ? run : `${run.slice(0, at)}${HIDDEN}`;
  });
}

const looksRandom = (run: string): boolean => /[a-z]/.test(run) && /[A-Z]/.test(run) && /\d/.test(run);

/**
 * Beside an access key id every long run of base64 is taken for its secret. Without one, forty characters are a secret
 * access key and a hundred a session token where they look random: a path or a hash in hexadecimal does not.
 */
function redactKeys(text: string): string {
  const rest = text.replace(/(?:AKIA|ASIA)[A-Z0-9]{12,}/g, HIDDEN);
  return rest.replace(/[A-Za-z0-9+/=]{40,}/g, (run) =>
    rest !== text || ((run.length === 40 || run.length >= 100) && looksRandom(run)) ? HIDDEN : run,
  );
}

/**
 * Takes out what looks like a secret: AWS keys and tokens, signed addresses, passwords in addresses, in `name=value` and
 * in SQL. It knows forms, so it is the last guard and not the first: secrets travel as query parameters and never enter a
 * text.
 */
export const redact = (text: string): string =>
  PATTERNS.reduce(
    (left, [pattern, instead]) => left.replace(pattern, instead),
    redactWebTokens(redactKeys(text)),
  );

/** Nothing that is shown is this long; what comes as megabytes is not searched for secrets to its end. */
const READ_CHARACTERS = 20_000;
const LINE_BREAK = /\r\n|[\t\n\v\f\r\u0085\u2028\u2029]/g;
const INVISIBLE = /[\p{Cc}\p{Cf}]/gu;

/**
 * A text from outside, fit to be shown: one line, no control or invisible characters, escape sequences or overrides of
 * the direction, secrets redacted, bounded. Blanks stay as they are.
 *
 * @param length in UTF-16 units; what is longer ends with `…`
 */
export function harmless(text: string, length = HARMLESS_LENGTH): string {
  const limit = Math.max(length, READ_CHARACTERS);
  // The last word of a text that was cut could be the first half of a secret.
  const read = text.length <= limit ? text : text.slice(0, limit).replace(/\S*$/, '');
  const visible = read.toWellFormed().replace(LINE_BREAK, ' ').replace(INVISIBLE, '');
  // In this order: an invisible character could hide a secret from redaction, and a cut could halve one.
  const clean = redact(visible);
  return clean.length <= length ? clean : `${clean.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
