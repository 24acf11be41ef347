import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leadsToBase } from '../../core/base-address.ts';

const PATH = 'backups/events/20260402T020000Z-full-k3f9';
const AWS = { bucketUrl: 'https://safe.s3.eu-central-1.amazonaws.com/', path: PATH };
const OWN = { bucketUrl: 'http://127.0.0.1:9201/safe/', path: PATH };

describe('the address of a base', () => {
  it.each([
    ['as it is written', `S3('https://safe.s3.eu-central-1.amazonaws.com/${PATH}')`, AWS],
    ['with a slash at its end', `S3('https://safe.s3.eu-central-1.amazonaws.com/${PATH}/')`, AWS],
    ['with the bucket in the path', `S3('https://s3.eu-central-1.amazonaws.com/safe/${PATH}')`, AWS],
    ['without a region', `S3('https://safe.s3.amazonaws.com/${PATH}')`, AWS],
    [
      'with keys behind it',
      `S3('https://safe.s3.eu-central-1.amazonaws.com/${PATH}', '[HIDDEN]', '[HIDDEN]')`,
      AWS,
    ],
    [
      'with a role behind it',
      `S3('https://safe.s3.eu-central-1.amazonaws.com/${PATH}', extra_credentials(role_arn = '[HIDDEN]'))`,
      AWS,
    ],
    ['of another S3', `S3('http://127.0.0.1:9201/safe/${PATH}')`, OWN],
    ['by a named collection', `S3(safe_bucket, '${PATH}')`, AWS],
    ['by a named collection in quotes', `S3(\`safe bucket\`, '/${PATH}', '[HIDDEN]')`, AWS],
  ])('leads there %s', (_, expression, place) => {
    expect(leadsToBase(expression, place)).toBe(true);
  });

  it.each([
    ['another host', `S3('https://evil.example/safe/${PATH}')`, AWS],
    [
      'a host that begins like it',
      `S3('https://safe.s3.eu-central-1.amazonaws.com.evil.example/${PATH}')`,
      AWS,
    ],
    ['a host behind a user', `S3('https://safe.s3.eu-central-1.amazonaws.com@evil.example/${PATH}')`, AWS],
    ['the path in a question', `S3('https://evil.example/?of=/safe/${PATH}')`, AWS],
    ['another bucket', `S3('https://other.s3.eu-central-1.amazonaws.com/${PATH}')`, AWS],
    ['another region', `S3('https://safe.s3.us-east-1.amazonaws.com/${PATH}')`, AWS],
    ['another port', `S3('http://127.0.0.1:9001/safe/${PATH}')`, OWN],
    ['a longer path', `S3('https://safe.s3.eu-central-1.amazonaws.com/${PATH}/more')`, AWS],
    ['a path that climbs', `S3('https://safe.s3.eu-central-1.amazonaws.com/x/../${PATH}x')`, AWS],
    ['another path of a named collection', `S3(safe_bucket, 'other/${PATH}')`, AWS],
    ['another path in which it stands', `S3(safe_bucket, '${PATH}\\', \\'')`, AWS],
    ['a file', `File('/${PATH}')`, AWS],
    ['a disk', `Disk('backups', '${PATH}')`, AWS],
    ['nothing', 'S3()', AWS],
    ['words', PATH, AWS],
  ])('does not lead there by %s', (_, expression, place) => {
    expect(leadsToBase(expression, place)).toBe(false);
  });

  it('is never believed for having the right words in it', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (url) => {
        expect(leadsToBase(`S3('${url}/${PATH}')`, AWS)).toBe(false);
        expect(leadsToBase(`S3('${url}?${AWS.bucketUrl}${PATH}')`, AWS)).toBe(false);
      }),
    );
  });
});
