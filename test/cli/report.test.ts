import { expect, it } from 'vitest';
import { EXIT, exitCodeOf } from '../../cli/exit-codes.ts';
import { reportLines, reportOf } from '../../cli/report.ts';
import { renderLine } from '../../cli/screen.ts';
import { storageError } from '../../clients/storage-errors.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';

const aws = (name: string, message: string, status?: number): Error =>
  Object.assign(new Error(message), { name, ...(status && { $metadata: { httpStatusCode: status } }) });

it.each([
  [
    'CredentialsProviderError',
    'Could not load credentials from any providers',
    EXIT.usage,
    'No AWS credentials',
  ],
  [
    'CredentialsProviderError',
    'The SSO session associated with this profile has expired. To refresh this SSO session run aws sso login',
    EXIT.usage,
    'have expired',
  ],
  [
    'ExpiredTokenException',
    'The security token included in the request is expired',
    EXIT.usage,
    'have expired',
  ],
  ['ExpiredToken', 'The provided token has expired.', EXIT.usage, 'have expired'],
  [
    'UnrecognizedClientException',
    'The security token included in the request is invalid.',
    EXIT.usage,
    'does not accept',
  ],
  [
    'InvalidAccessKeyId',
    'The AWS Access Key Id you provided does not exist in our records.',
    EXIT.usage,
    'does not accept',
  ],
  ['SignatureDoesNotMatch', 'The request signature does not match', EXIT.usage, 'does not accept'],
  ['Error', 'Region is missing', EXIT.usage, 'No AWS region is set'],
  [
    'PermanentRedirect',
    'The bucket must be addressed using the specified endpoint',
    EXIT.usage,
    'another region',
  ],
])('turns %s (%s) into words, also from beneath a client', (name, message, exitCode, sentence) => {
  for (const thrown of [aws(name, message), storageError(aws(name, message, 400), 'list ledger/ in b')]) {
    const report = reportOf(thrown);
    expect(report.exitCode).toBe(exitCode);
    expect(report.error.what).toContain(sentence);
    expect(report.error.remedy).not.toBe('');
  }
});

it('says who may not do what, in the words of AWS', () => {
  const message =
    'User: arn:aws:iam::123456789012:user/kim is not authorized to perform: states:StartExecution on resource: arn:x';
  const { error, exitCode } = reportOf(
    storageError(aws('AccessDeniedException', message, 400), 'start arn:x'),
  );
  expect(exitCode).toBe(EXIT.failed);
  expect(error.what).toContain('user/kim is not authorized to perform: states:StartExecution');
  expect(error.remedy).toContain('The command line acts as you');
});

it('names the host that was not found, for a region that does not exist', () => {
  const cause = Object.assign(new Error('getaddrinfo ENOTFOUND ssm.eu-centrall-1.amazonaws.com'), {
    code: 'ENOTFOUND',
    hostname: 'ssm.eu-centrall-1.amazonaws.com',
  });
  const { error, exitCode } = reportOf(storageError(cause, 'read the parameter x'));
  expect(exitCode).toBe(EXIT.failed);
  expect(error.what).toContain('ssm.eu-centrall-1.amazonaws.com was not found');
  expect(error.remedy).toContain('AWS_REGION');
});

it('does not look for an end in errors that cause each other', () => {
  const [one, two] = [new Error('one'), new Error('two')];
  [one.cause, two.cause] = [two, one];
  expect(reportOf(one).exitCode).toBe(EXIT.unexpected);
});

it('gives each name of an error its exit code', () => {
  expect(Object.values(ERROR_NAMES).map((name) => [name, exitCodeOf(name)])).toEqual([
    ['InvalidInput', 2],
    ['InvalidConfiguration', 2],
    ['TemporarilyUnavailable', 4],
    ['OutOfTime', 4],
    ['Refused', 4],
    ['VerificationFailed', 5],
    ['IncompleteReading', 4],
    ['RefusedForSafety', 6],
    ['NotFound', 3],
  ]);
});

it('calls what it does not know unexpected, without a stack trace', () => {
  const { error, exitCode } = reportOf(new TypeError("Cannot read properties of undefined (reading 'x')"));
  expect(exitCode).toBe(EXIT.unexpected);
  expect(error).toEqual({
    name: 'Unexpected',
    what: "Something happened that Safehouse does not know: Cannot read properties of undefined (reading 'x')",
    remedy: expect.stringContaining('SAFEHOUSE_DEBUG'),
  });
  expect(reportOf('thrown as a text').error.what).toContain('thrown as a text');
  expect(reportOf(undefined).exitCode).toBe(EXIT.unexpected);
});

it('shows no secret and nothing that acts on a terminal', () => {
  const thrown = new SafehouseError(ERROR_NAMES.refused, {
    what: "Code 499: S3('https://b/x', 'AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY00') \u001b[2J failed\n  - a second line",
    remedy: 'x',
  });
  const { error } = reportOf(thrown);
  const shown = reportLines(error, 80).map((line) => renderLine(line, false));
  expect(JSON.stringify(error)).not.toContain('wJalr');
  expect(shown.join('\n')).not.toMatch(/wJalr|AKIA|(?!\n)\p{Cc}/u);
  expect(shown).toContain('         - a second line');
});
