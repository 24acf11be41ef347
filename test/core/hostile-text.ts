/** Texts as an attacker, a broken terminal or a careless server would write them, for property tests. */
import fc from 'fast-check';
import { anyText } from './any-text.ts';

const CONTROL = fc.constantFrom(
  '\u0000',
  '\u0007',
  '\u001b[2J',
  '\u001b]0;title\u0007',
  '\u009b31m',
  '\u007f',
  '\r',
  '\n',
  '\u202e',
  '\u2066',
  '\u200b',
  '\ufeff',
  '\u2028',
  '\ud800',
);
const QUOTES = fc.constantFrom("'", '"', '`', '\\', '=', ':', '@', '/', '(', ')', ',', '&', '<', '>');
const WORDS = fc.constantFrom(
  'Code: 499. DB::Exception: ',
  '. (S3_ERROR), Stack trace (when copying this message, always include the lines below):\n\n0. ? @ 0x1c8f',
  ' (version 26.7.2.1)',
  'Message: Access Denied, Key: ',
  'while reading key: ',
  'Table ',
  ' already exists',
  'S3(',
);

/** Any text: Unicode with broken surrogates, controls, quotes, and pieces of ClickHouse's own. */
export const FOREIGN_TEXT: fc.Arbitrary<string> = fc
  .array(fc.oneof(anyText({ maxLength: 12 }), CONTROL, QUOTES, WORDS), { maxLength: 12 })
  .map((parts) => parts.join(''));

const characters = (alphabet: string, length: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(...alphabet), { minLength: length, maxLength: length })
    .map((list) => list.join(''));

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const CAPITALS = LETTERS.toUpperCase();
const DIGITS = '0123456789';

const KEY_ID = fc
  .tuple(fc.constantFrom('AKIA', 'ASIA'), characters(CAPITALS + DIGITS, 16))
  .map((parts) => parts.join(''));
/** As AWS makes them: forty characters in which capitals, small letters and digits all occur. */
const SECRET_KEY = characters(`${LETTERS}${CAPITALS}${DIGITS}+/`, 37).map((text) => `aZ9${text}`);
const PASSWORD = characters(`${LETTERS}${DIGITS}!#$%^*-_~`, 14);
const HEX = characters('0123456789abcdef', 64);

/** A secret, and the form in which it is planted into a text. */
export const PLANTED_SECRET: fc.Arbitrary<{ readonly plant: string; readonly secret: string }> = fc.oneof(
  fc
    .tuple(KEY_ID, SECRET_KEY, fc.constantFrom("', '", ':', ' ', '","', '\n'))
    .map(([key, secret, between]) => ({ plant: `${key}${between}${secret}`, secret })),
  fc
    .tuple(PASSWORD, fc.constantFrom('secret_access_key', 'session_token', 'password', 'aws_session_token'))
    .map(([secret, name]) => ({ plant: `${name}='${secret}'`, secret })),
  PASSWORD.map((secret) => ({ plant: `<password>${secret}</password>`, secret })),
  PASSWORD.map((secret) => ({
    plant: `https://me:${secret.replace('#', '')}@host/`,
    secret: secret.replace('#', ''),
  })),
  PASSWORD.map((secret) => ({ plant: `me:${secret}@host `, secret })),
  fc
    .tuple(HEX, fc.constantFrom('X-Amz-Signature', 'X-Amz-Security-Token', 'x-amz-credential'))
    .map(([secret, name]) => ({ plant: `?${name}=${secret}&`, secret })),
);
