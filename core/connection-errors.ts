/** What it means when Safehouse does not get through to ClickHouse: the network, the name, or the certificate. */
import type { Failure } from './failure.ts';
import { harmless } from './redaction.ts';

/**
 * The failure of a connection. A statement that may have got through is safe to repeat: its id is recognised.
 *
 * @param error as Node throws it, or what something between Safehouse and ClickHouse answered
 */
export function classifyConnectionError(error: {
  readonly code?: string;
  readonly message: string;
}): Failure {
  const code = error.code ?? '';
  const cause =
    CAUSES.find(({ codes, says }) => codes.includes(code) || says?.test(error.message)) ?? UNKNOWN;
  const named = /^[A-Z][A-Z0-9_]*$/.test(code) ? code : cause.codes[0];
  const message = harmless(error.message, 300);
  return {
    class: cause.class,
    error: named ?? 'CONNECTION_FAILED',
    what: harmless(`${cause.what}${message === '' ? '.' : `: ${message}`}`),
    remedy: cause.remedy,
  };
}

interface Cause extends Pick<Failure, 'class' | 'what' | 'remedy'> {
  /** Node's names for it; the first stands for it where the error has none. */
  readonly codes: readonly string[];
  readonly says?: RegExp;
}

const AUTHORITY =
  "Give the target the authority that signed it: `tls.caCertificate`, PEM, with the intermediate certificates. Or let the server's certificate be signed by a public one.";

const CAUSES: readonly Cause[] = [
  {
    codes: ['CERT_HAS_EXPIRED'],
    says: /certificate has expired/i,
    class: 'fix and stop',
    what: "ClickHouse's certificate has expired",
    remedy:
      'Renew it on the server (or on the load balancer before it) and have it loaded: SYSTEM RELOAD CONFIG.',
  },
  {
    codes: ['CERT_NOT_YET_VALID'],
    says: /certificate is not yet valid/i,
    class: 'fix and stop',
    what: "ClickHouse's certificate is not valid yet",
    remedy: 'Look at the clock of the machine that issued it, and at its validity.',
  },
  {
    codes: ['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN'],
    says: /self[- ]signed certificate/i,
    class: 'fix and stop',
    what: "ClickHouse's certificate is signed by itself or by a private authority, which Safehouse does not know",
    remedy: AUTHORITY,
  },
  {
    codes: [
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'CERT_UNTRUSTED',
      'CERT_SIGNATURE_FAILURE',
    ],
    says: /unable to (?:verify the first|get (?:local )?issuer) certificate/i,
    class: 'fix and stop',
    what: "Safehouse does not know the authority that signed ClickHouse's certificate",
    remedy: AUTHORITY,
  },
  {
    codes: ['ERR_TLS_CERT_ALTNAME_INVALID'],
    says: /does not match certificate's altnames/i,
    class: 'fix and stop',
    what: "ClickHouse's certificate is for another name than the one in the target's `url`",
    remedy: 'Use a name in `url` that the certificate has, or issue the certificate for this name too.',
  },
  {
    codes: ['ERR_SSL_WRONG_VERSION_NUMBER', 'EPROTO'],
    says: /wrong version number|packet length too long|EPROTO/i,
    class: 'fix and stop',
    what: 'Safehouse spoke TLS, and what answered did not',
    remedy:
      "Use `http://` for a port without TLS (8123), or the port with TLS (8443), in the target's `url`.",
  },
  {
    codes: ['HPE_INVALID_CONSTANT'],
    says: /Expected HTTP\//,
    class: 'fix and stop',
    what: 'What answered does not speak HTTP',
    remedy:
      "Use ClickHouse's HTTP interface in the target's `url`: port 8123, or 8443 with TLS; 9000 and 9440 are for its own protocol.",
  },
  {
    codes: ['ENOTFOUND'],
    class: 'fix and stop',
    what: "The name in the target's `url` is not in DNS",
    remedy: 'Correct it; a private name is found from inside its VPC only, so the target needs `network`.',
  },
  {
    codes: ['EAI_AGAIN'],
    says: /getaddrinfo/,
    class: 'retry the same',
    what: "DNS did not answer for the name in the target's `url`",
    remedy: "It usually passes. If not, look at the VPC's resolver.",
  },
  {
    codes: ['ECONNREFUSED'],
    class: 'retry the same',
    what: 'Nothing listens at the address of ClickHouse',
    remedy:
      "Look whether the server runs, whether `listen_host` and `http_port` let it listen there, and at the port in the target's `url`.",
  },
  {
    codes: ['EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL'],
    class: 'retry the same',
    what: 'There is no way in the network to ClickHouse',
    remedy: 'Look at the subnets and routes of the target: docs/networking.md.',
  },
  {
    codes: ['ETIMEDOUT', 'ESOCKETTIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT'],
    says: /timeout|timed out/i,
    class: 'retry the same',
    what: 'ClickHouse did not answer in time',
    remedy:
      "Look at the security groups first: one that does not let the functions in answers nothing at all. Then at the server's load.",
  },
  {
    codes: ['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'UND_ERR_SOCKET'],
    says: /socket hang up|connection reset|other side closed|aborted/i,
    class: 'retry the same',
    what: 'The connection to ClickHouse broke in the middle',
    remedy:
      'It usually passes. If not, look at the load balancer before the server, and at its idle timeout.',
  },
];

const UNKNOWN: Cause = {
  codes: [],
  class: 'retry the same',
  what: 'The connection to ClickHouse failed in a way that this release does not know',
  remedy: 'If it stays, look at what stands between Safehouse and ClickHouse: load balancer, proxy, network.',
};
