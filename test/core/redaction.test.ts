import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HARMLESS_LENGTH, harmless, redact } from '../../core/redaction.ts';
import { FOREIGN_TEXT, PLANTED_SECRET } from './hostile-text.ts';
import { tries } from './property-runs.ts';

const KEY = 'AKIAIOSFODNN7EXAMPLE';
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';

describe('redact', () => {
  test.each([
    ['an access key id', `key ${KEY}.`, 'key [redacted].'],
    ['a temporary access key id', 'ASIAQWERTYUIOPASDFGH', '[redacted]'],
    ['a secret beside its key id', `${KEY}:${'a'.repeat(40)}`, '[redacted]:[redacted]'],
    ['a secret on its own that looks random', `is ${SECRET}`, 'is [redacted]'],
    ['an address with user and password', 'http://me:hunter2@db:8123/', 'http://[redacted]@db:8123/'],
    ['an @ in a password', 'https://me:hun@ter2@db/', 'https://[redacted]@db/'],
    ['user and password without a scheme', 'from me:hunter2@db', 'from [redacted]@db'],
    [
      'SQL in the form name = value',
      "secret_access_key = 'x\\'y', a = 1",
      'secret_access_key = [redacted], a = 1',
    ],
    [
      'SQL as ClickHouse formats it',
      "equals(session_token, 'abc'), b",
      'equals(session_token, [redacted]), b',
    ],
    ['a value that was cut off', "password='abc", 'password=[redacted]'],
    ['JSON', '{"SecretAccessKey": "abc", "n": 1}', '{"SecretAccessKey": [redacted], "n": 1}'],
    ['XML', '<password>abc</password><a>b</a>', '<password>[redacted]</password><a>b</a>'],
    [
      'XML with attributes',
      '<secret_access_key overridable="true">abc<',
      '<secret_access_key overridable="true">[redacted]<',
    ],
    ['S3() with keys', "S3('https://b/x', 'minio', 'minio123')", "S3('https://b/x', 'minio', '[redacted]')"],
    ['the password of a user', "IDENTIFIED BY 'abc'", "IDENTIFIED BY '[redacted]'"],
    ['a header', 'Authorization: Basic bWU6aHVudGVyMg==', 'Authorization: [redacted]'],
    ['a web token', 'eyJhbGci.eyJzdWIi.c2ln', '[redacted]'],
    [
      'a web token without a signature, behind a host',
      'at a.b.eyJhbGci.eyJzdWIi. end',
      'at a.b.[redacted] end',
    ],
    [
      'a private key',
      'a -----BEGIN PRIVATE KEY-----\nMIIE\nvQIB\n-----END PRIVATE KEY----- b',
      'a [redacted] b',
    ],
    [
      'a private key of a kind, and another',
      '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- x -----BEGIN EC PRIVATE KEY-----q-----END EC PRIVATE KEY-----',
      '[redacted] x [redacted]',
    ],
    ['a private key that was cut off', 'a -----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\nbnNz', 'a [redacted]'],
    [
      'a header in JSON',
      '{"authorization": "AWS4-HMAC 7", "n": 1}',
      '{"authorization": "[redacted]", "n": 1}',
    ],
    ['a header with blanks', "Authorization  =  'x y'; next", "Authorization  =  '[redacted]'; next"],
    ['a header to the end of its line', 'authorization:x y\nnext', 'authorization:[redacted]\nnext'],
    ['a bearer token', 'got Bearer  abcdefghijklmnop1234 there', 'got Bearer [redacted] there'],
    ['a basic one with its padding', 'basic bWU6aHVudGVyMg12== end', 'basic [redacted] end'],
    ['the shortest bearer token', 'bearer abcdefghijklmno1', 'bearer [redacted]'],
    [
      'a signature by itself',
      'Signature=0a1b, Credential=AB/2026 x',
      'Signature=[redacted], Credential=[redacted] x',
    ],
    ['a signed header in XML', '<X-Amz-Signature: "0a1b">', '<X-Amz-Signature: "[redacted]">'],
    [
      'a signed header with blanks',
      "x-amz-security-token = 'FwoG' b",
      "x-amz-security-token = '[redacted]' b",
    ],
    ['a session token that looks random', `is ${'aB3'.repeat(34)}`, 'is [redacted]'],
    ['a long run beside a key id', `${KEY} ${'b'.repeat(77)}`, '[redacted] [redacted]'],
    ['a password with colons in an address', 'http://me:hun:ter:2@db/', 'http://[redacted]@db/'],
  ])('takes out %s', (_, text, expected) => {
    expect(redact(text)).toBe(expected);
  });

  test('takes the signature, the credential and the token out of a signed address', () => {
    const signed =
      'https://b.s3.amazonaws.com/k?X-Amz-Credential=ABC%2F2026&X-Amz-Date=2026&X-Amz-Security-Token=FwoG&X-Amz-Signature=0a1b';
    expect(redact(signed)).toBe(
      'https://b.s3.amazonaws.com/k?X-Amz-Credential=[redacted]&X-Amz-Date=2026&X-Amz-Security-Token=[redacted]&X-Amz-Signature=[redacted]',
    );
  });

  test.each([
    ['a backup id', '20260402T020000Z-full-k3f9'],
    ['a host that begins as a web token does', 'eyJ.example'],
    ['an ARN', 'arn:aws:iam::123456789012:role/clickhouse-backup'],
    ['a checksum in hexadecimal', '5e9d75de4a6945fbb2dc2a22e355d4515e9d75de4a6945fbb2dc2a22e355d451'],
    ['a key of S3', 'backups/shop/20260402T020000Z-full-k3f9/data/shop/events/202601_1_1_0/data.bin'],
    ['a sentence about passwords', 'Authentication failed: password is incorrect, or there is no user'],
    ["ClickHouse's own mask", "S3('https://b/x', '[HIDDEN]')"],
    ['a bearer of no token', 'bearer of the message that has no number'],
    ['a short word after basic', 'basic abcdefghijklmn1'],
    ['a basic understanding', 'basic understanding-of-this-without-numbers'],
    ['forty letters without a number', 'aB'.repeat(20)],
    ['forty characters without a capital', 'a1'.repeat(20)],
    ['forty characters without a small letter', 'A1'.repeat(20)],
    ['forty-one characters', `${'aB3'.repeat(13)}aB`],
    ['ninety-nine characters', 'aB3'.repeat(33)],
    ['a word that only ends in signature', 'myxSignature=0a1b'],
    ['a public key', '-----BEGIN PUBLIC KEY----- MIIE -----END PUBLIC KEY-----'],
    ['words with dots', 'a.b.c.d'],
    ['an address with a port', 'http://127.0.0.1:8123/a@b'],
    ['the placeholders of a statement', "S3('https://b/x', '<access key id>', '<secret access key>')"],
  ])('leaves %s alone', (_, text) => {
    expect(redact(text)).toBe(text);
  });
});

describe('harmless', () => {
  test('makes one line of several and keeps the blanks', () => {
    expect(harmless('  Target:   a\nb\tc\r\nd\u2028e')).toBe('  Target:   a b c d e');
  });

  test('takes the escape out of an escape sequence', () => {
    expect(harmless('\u001b[31mred\u001b]0;title\u0007\u009b2J')).toBe('[31mred]0;title2J');
  });

  test('takes out what turns the direction and what cannot be seen', () => {
    expect(harmless('a\u202eb\u2066c\u200bd\ufeffe\u{e0041}f')).toBe('abcdef');
  });

  test('finds a secret that invisible characters were to hide', () => {
    expect(harmless(`pass\u200bword='hun\u0000ter2'`)).toBe('password=[redacted]');
  });

  test('does not halve a secret where it cuts', () => {
    expect(harmless(`${'x '.repeat(290)}${KEY} ${SECRET}`)).not.toMatch(/wJal/);
  });

  test('ends what is longer than the limit with an ellipsis, and whole characters', () => {
    expect(harmless('a'.repeat(600))).toBe('a'.repeat(600));
    expect(harmless('a'.repeat(601))).toBe(`${'a'.repeat(599)}…`);
    expect(harmless('😀'.repeat(10), 6)).toBe('😀😀…');
  });

  test('reads no further than it shows, and shows no half of the last word that it read', () => {
    expect(harmless(`${'a '.repeat(9_995)}secret=${'x'.repeat(20)} b`, 20_000)).toBe(`${'a '.repeat(9_995)}`);
    expect(harmless('a'.repeat(20_000), 20_000)).toHaveLength(20_000);
    expect(harmless(`${'a '.repeat(10_000)}bb`, 20_000)).toBe('a '.repeat(10_000));
    expect(harmless('a\u000bb\u000cc\u0085d\u2029e')).toBe('a b c d e');
    expect(harmless('aVb')).toBe('aVb');
  });

  test('takes a longer limit', () => {
    expect(harmless('a '.repeat(20_000), Number.POSITIVE_INFINITY)).toBe('a '.repeat(20_000));
  });

  test('stays quick on megabytes', () => {
    for (const text of [
      'eyJ',
      "password='",
      'a:',
      '://a:',
      ' ',
      '-----BEGIN PRIVATE KEY-----',
      "S3('a','b','",
      'A',
    ])
      expect(harmless(text.repeat(500_000)).length).toBeLessThanOrEqual(HARMLESS_LENGTH);
  }, 5_000);

  test('lets neither a control character nor a secret through, whatever surrounds it', () => {
    fc.assert(
      fc.property(FOREIGN_TEXT, PLANTED_SECRET, FOREIGN_TEXT, (before, { plant, secret }, after) => {
        const shown = harmless(`${before}${plant}${after}`, 5_000);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        expect(shown).not.toContain(secret);
        expect(shown.isWellFormed()).toBe(true);
      }),
      tries(1_000),
    );
  });
});
