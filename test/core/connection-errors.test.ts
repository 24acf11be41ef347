import { once } from 'node:events';
import http, { createServer } from 'node:http';
import https from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { classifyConnectionError } from '../../core/connection-errors.ts';
import { FOREIGN_TEXT, PLANTED_SECRET } from './hostile-text.ts';
import { tries } from './property-runs.ts';

test.each([
  ['CERT_HAS_EXPIRED', 'fix and stop', 'has expired'],
  ['CERT_NOT_YET_VALID', 'fix and stop', 'is not valid yet'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'fix and stop', 'signed by itself'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'fix and stop', 'signed by itself'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'fix and stop', 'does not know the authority'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'fix and stop', 'does not know the authority'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'fix and stop', 'does not know the authority'],
  ['CERT_UNTRUSTED', 'fix and stop', 'does not know the authority'],
  ['CERT_SIGNATURE_FAILURE', 'fix and stop', 'does not know the authority'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'fix and stop', 'for another name'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'fix and stop', 'spoke TLS'],
  ['EPROTO', 'fix and stop', 'spoke TLS'],
  ['HPE_INVALID_CONSTANT', 'fix and stop', 'does not speak HTTP'],
  ['ENOTFOUND', 'fix and stop', 'is not in DNS'],
  ['EAI_AGAIN', 'retry the same', 'DNS did not answer'],
  ['ECONNREFUSED', 'retry the same', 'Nothing listens'],
  ['EHOSTUNREACH', 'retry the same', 'no way in the network'],
  ['ENETUNREACH', 'retry the same', 'no way in the network'],
  ['EADDRNOTAVAIL', 'retry the same', 'no way in the network'],
  ['ETIMEDOUT', 'retry the same', 'did not answer in time'],
  ['ESOCKETTIMEDOUT', 'retry the same', 'did not answer in time'],
  ['UND_ERR_CONNECT_TIMEOUT', 'retry the same', 'did not answer in time'],
  ['ECONNRESET', 'retry the same', 'broke in the middle'],
  ['EPIPE', 'retry the same', 'broke in the middle'],
  ['ECONNABORTED', 'retry the same', 'broke in the middle'],
  ['UND_ERR_SOCKET', 'retry the same', 'broke in the middle'],
] as const)('%s is known by its code alone', (code, kind, what) => {
  const failure = classifyConnectionError({ code, message: '' });
  expect(failure).toMatchObject({ class: kind, error: code, what: expect.stringContaining(what) });
  expect(failure.what).toMatch(/\.$/);
});

test.each([
  ['certificate has expired', 'CERT_HAS_EXPIRED'],
  ['self signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ['self-signed certificate in certificate chain', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ['unable to verify the first certificate', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ['unable to get issuer certificate', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ['unable to get local issuer certificate', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ['packet length too long', 'ERR_SSL_WRONG_VERSION_NUMBER'],
  ['getaddrinfo failed', 'EAI_AGAIN'],
  ['other side closed', 'ECONNRESET'],
])('"%s" is known by its words', (message, error) => {
  expect(classifyConnectionError({ message }).error).toBe(error);
});

test('a code that is none is not taken for one', () => {
  for (const code of ['x ECONNRESET', 'econnreset', ''])
    expect(classifyConnectionError({ code, message: 'nobody knows' }).error).toBe('CONNECTION_FAILED');
});

describe('each way of not getting through', () => {
  test.each<[string | undefined, string, string, string, string, string]>([
    [
      'ECONNREFUSED',
      'connect ECONNREFUSED 10.0.0.1:8123',
      'retry the same',
      'ECONNREFUSED',
      '10.0.0.1:8123',
      'http_port',
    ],
    [
      'ENOTFOUND',
      'getaddrinfo ENOTFOUND ch.internal',
      'fix and stop',
      'ENOTFOUND',
      'ch.internal',
      '`network`',
    ],
    [
      'EAI_AGAIN',
      'getaddrinfo EAI_AGAIN ch.internal',
      'retry the same',
      'EAI_AGAIN',
      'ch.internal',
      'resolver',
    ],
    [
      'ETIMEDOUT',
      'connect ETIMEDOUT 10.0.0.1:8123',
      'retry the same',
      'ETIMEDOUT',
      '10.0.0.1:8123',
      'security groups',
    ],
    [undefined, 'Timeout error.', 'retry the same', 'ETIMEDOUT', 'Timeout error.', 'security groups'],
    [
      'EHOSTUNREACH',
      'connect EHOSTUNREACH 10.0.0.1:8123',
      'retry the same',
      'EHOSTUNREACH',
      '10.0.0.1',
      'routes',
    ],
    ['ECONNRESET', 'read ECONNRESET', 'retry the same', 'ECONNRESET', 'broke in the middle', 'load balancer'],
    [undefined, 'socket hang up', 'retry the same', 'ECONNRESET', 'socket hang up', 'load balancer'],
    ['EPIPE', 'write EPIPE', 'retry the same', 'EPIPE', 'broke in the middle', 'load balancer'],
    ['CERT_HAS_EXPIRED', 'certificate has expired', 'fix and stop', 'CERT_HAS_EXPIRED', 'expired', 'Renew'],
    [
      'CERT_NOT_YET_VALID',
      'certificate is not yet valid',
      'fix and stop',
      'CERT_NOT_YET_VALID',
      'not valid yet',
      'clock',
    ],
    [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'self-signed certificate',
      'fix and stop',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'signed by itself',
      '`tls.caCertificate`',
    ],
    [
      'SELF_SIGNED_CERT_IN_CHAIN',
      'self-signed certificate in certificate chain',
      'fix and stop',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'private authority',
      '`tls.caCertificate`',
    ],
    [
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'unable to verify the first certificate',
      'fix and stop',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'authority',
      'intermediate',
    ],
    [
      'ERR_TLS_CERT_ALTNAME_INVALID',
      "Hostname/IP does not match certificate's altnames: Host: ch.internal. is not in the cert's altnames: DNS:other",
      'fix and stop',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'ch.internal',
      '`url`',
    ],
    [
      'EPROTO',
      'write EPROTO 140:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number',
      'fix and stop',
      'EPROTO',
      'TLS',
      '8443',
    ],
    [
      'HPE_INVALID_CONSTANT',
      'Parse Error: Expected HTTP/, RTSP/ or ICE/',
      'fix and stop',
      'HPE_INVALID_CONSTANT',
      'HTTP',
      '9000',
    ],
    [undefined, 'Bad Gateway', 'retry the same', 'CONNECTION_FAILED', 'Bad Gateway', 'load balancer'],
    ['weird code', '', 'retry the same', 'CONNECTION_FAILED', 'does not know', 'load balancer'],
  ])('%s: %s', (code, message, expected, error, what, remedy) => {
    const failure = classifyConnectionError({ message, ...(code !== undefined && { code }) });
    expect(failure).toMatchObject({ class: expected, error });
    expect(failure.what).toContain(what);
    expect(failure.remedy).toContain(remedy);
  });
});

describe('what Node itself throws', () => {
  /** With the modules that `@clickhouse/client` uses. */
  const thrownBy = (url: string): Promise<{ code?: string; message: string }> =>
    new Promise((resolve) => {
      (url.startsWith('https') ? https : http)
        .get(url, () => resolve({ message: 'answered' }))
        .on('error', resolve);
    });

  test('where nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const failure = classifyConnectionError(await thrownBy(`http://127.0.0.1:${port}`));
    expect(failure).toMatchObject({ class: 'retry the same', error: 'ECONNREFUSED' });
    expect(failure.what).toContain(`127.0.0.1:${port}`);
  });

  test('where a port without TLS is spoken to with TLS, and the other way round', async () => {
    const plain = createServer((_, response) => response.end()).listen(0, '127.0.0.1');
    const other = createTcpServer((socket) => socket.end('\u0015\u0003\u0001\u0000\u0002\u0002F')).listen(
      0,
      '127.0.0.1',
    );
    await Promise.all([once(plain, 'listening'), once(other, 'listening')]);
    const port = (server: typeof plain | typeof other): number => (server.address() as AddressInfo).port;
    const withTls = classifyConnectionError(await thrownBy(`https://127.0.0.1:${port(plain)}`));
    const withoutTls = classifyConnectionError(await thrownBy(`http://127.0.0.1:${port(other)}`));
    plain.close();
    other.close();
    expect(withTls).toMatchObject({ class: 'fix and stop', what: expect.stringContaining('did not') });
    expect(withoutTls).toMatchObject({
      class: 'fix and stop',
      what: expect.stringContaining('does not speak HTTP'),
    });
  });
});

test('whatever is thrown, a failure comes out, without control characters and secrets, and bounded', () => {
  fc.assert(
    fc.property(
      FOREIGN_TEXT,
      PLANTED_SECRET,
      FOREIGN_TEXT,
      fc.boolean(),
      (before, { plant, secret }, after, both) => {
        const { what, remedy, error } = classifyConnectionError({
          message: `${before}${plant}${after}`,
          ...(both && { code: `${before}${plant}` }),
        });
        for (const shown of [what, remedy, error]) {
          expect(shown).not.toMatch(/[\p{Cc}\p{Cf}]/u);
          expect(shown).not.toContain(secret);
          expect(shown.length).toBeLessThanOrEqual(600);
        }
        expect(error).toMatch(/^[A-Z][A-Z0-9_]*$/);
      },
    ),
    tries(500),
  );
});
