/** AWS's oldest protocol, which SNS and STS speak: a form goes in, XML comes out. */
import { randomUUID } from 'node:crypto';
import { element, leaf } from './bucket/xml.ts';
import type { LoopbackAnswer } from './loopback-server.ts';

export const readForm = (body: string): Readonly<Record<string, string>> =>
  Object.fromEntries(new URLSearchParams(body));

/** @param result the elements within `<…Result>` */
export const queryAnswer = (action: string, ...result: readonly string[]): LoopbackAnswer =>
  xml(
    200,
    element(
      `${action}Response`,
      element(`${action}Result`, ...result),
      element('ResponseMetadata', leaf('RequestId', randomUUID())),
    ),
  );

export const queryRefusal = (code: string, message: string): LoopbackAnswer =>
  xml(
    400,
    element(
      'ErrorResponse',
      element('Error', leaf('Type', 'Sender'), leaf('Code', code), leaf('Message', message)),
      leaf('RequestId', randomUUID()),
    ),
  );

const xml = (status: number, body: string): LoopbackAnswer => ({ status, contentType: 'text/xml', body });
