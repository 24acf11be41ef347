/** IAM, as far as these tests call it: two queries, signed by hand, for which no client is worth installing. */
import { createHash, createHmac } from 'node:crypto';

export interface Signer {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** @throws Error with what IAM answered, when that is anything but success */
export async function callIam(signer: Signer, parameters: Readonly<Record<string, string>>): Promise<void> {
  const body = new URLSearchParams({ ...parameters, Version: '2010-05-08' }).toString();
  const url = new URL('/', signer.endpoint);
  const answer = await fetch(url, { method: 'POST', body, headers: signed(signer, url, body) });
  if (!answer.ok)
    throw new Error(`IAM answered ${parameters['Action']} with ${answer.status}: ${await answer.text()}`);
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const keyed = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** Signature Version 4 of a POST to `/`. */
function signed(signer: Signer, { host }: URL, body: string): Record<string, string> {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const headers: Record<string, string> = {
    'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
    host,
    'x-amz-content-sha256': sha256(body),
    'x-amz-date': time,
    ...(signer.sessionToken !== undefined && { 'x-amz-security-token': signer.sessionToken }),
  };
  const names = Object.keys(headers).sort().join(';');
  const lines = Object.keys(headers)
    .sort()
    .map((name) => `${name}:${headers[name]}\n`);
  const request = ['POST', '/', '', lines.join(''), names, sha256(body)].join('\n');
  const scope = [time.slice(0, 8), signer.region, 'iam', 'aws4_request'];
  const text = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(request)].join('\n');
  const key = scope.reduce<string | Buffer>(keyed, `AWS4${signer.secretAccessKey}`);
  const signature = keyed(key, text).toString('hex');
  const credential = `${signer.accessKeyId}/${scope.join('/')}`;
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`,
  };
}
