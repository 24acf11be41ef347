import { SaxesParser } from 'saxes';
import { IncomingBody } from './incoming-body.ts';
import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';

/** `<Object><Key>a</Key></Object>` is `{ name: 'Object', text: '', leaves: { Key: 'a' } }`. */
export interface XmlElement {
  readonly name: string;
  readonly text: string;
  readonly leaves: Readonly<Record<string, string>>;
}

/**
 * The children of the document that a request carries.
 *
 * @throws S3Error MalformedXML, or what its checksum says
 */
export async function readXmlBody({ incoming }: S3Request, root: string): Promise<XmlElement[]> {
  const body = new IncomingBody(incoming);
  const chunks: Buffer[] = [];
  for await (const chunk of body.bytes()) chunks.push(chunk);
  body.verify();
  return childrenOf(Buffer.concat(chunks).toString('utf8'), root);
}

function childrenOf(xml: string, root: string): XmlElement[] {
  const children: XmlElement[] = [];
  const path: string[] = [];
  let leaves: Record<string, string> = {};
  let text = '';
  const parser = new SaxesParser();
  parser.on('opentag', ({ name }) => {
    path.push(name);
    text = '';
    if (path.length === 2) leaves = {};
  });
  parser.on('text', (part) => {
    text += part;
  });
  parser.on('closetag', ({ name }) => {
    if (path.length === 3) leaves[name] = text;
    if (path.length === 2 && path[0] === root) children.push({ name, text, leaves });
    path.pop();
  });
  parser.on('error', (error) => {
    throw new S3Error('MalformedXML', `The XML you provided was not well-formed: ${error.message}`);
  });
  parser.write(xml).close();
  return children;
}
