import { createHash, randomBytes } from 'node:crypto';
import type { BucketStore } from './bucket-store.ts';
import { conditionOf } from './conditional-writes.ts';
import { IncomingBody } from './incoming-body.ts';
import { headersToKeep, storageClassOf } from './object-headers.ts';
import { sourceOf } from './objects.ts';
import { S3Error } from './s3-error.ts';
import { type S3Request, wholeNumber } from './s3-request.ts';
import { emptyResponse, type S3Response, xmlResponse } from './s3-response.ts';
import { type Part, type Upload, wholeSeconds } from './stored-object.ts';
import { document, element, leaf } from './xml.ts';
import { readXmlBody } from './xml-body.ts';

/** AWS's limits. */
const MOST_PARTS = 10_000;
const SMALLEST_PART = 5 * 1024 * 1024;

export function createMultipartUpload(store: BucketStore, request: S3Request): S3Response {
  const { bucket, key, incoming } = request;
  const id = randomBytes(16).toString('hex');
  store.index.begin(bucket, { id, key, started: Date.now(), headers: headersToKeep(incoming.headers) });
  return xmlResponse(
    document('InitiateMultipartUploadResult', leaf('Bucket', bucket), leaf('Key', key), leaf('UploadId', id)),
  );
}

export async function uploadPart(store: BucketStore, request: S3Request): Promise<S3Response> {
  const upload = uploadOf(store, request);
  const number = partNumberOf(request);
  const body = new IncomingBody(request.incoming);
  const segment = await store.files.write(body.bytes());
  try {
    const { md5, checksum } = body.verify();
    keepPart(store, upload, request, { number, etag: md5, modified: wholeSeconds(Date.now()), segment });
    return emptyResponse(200, { ETag: `"${md5}"`, ...checksum });
  } catch (error) {
    store.files.remove([segment]);
    throw error;
  }
}

export async function uploadPartCopy(store: BucketStore, request: S3Request): Promise<S3Response> {
  const upload = uploadOf(store, request);
  const number = partNumberOf(request);
  const { object } = sourceOf(store, request);
  const header = request.incoming.headers['x-amz-copy-source-range'];
  const range = /^bytes=(?<first>\d+)-(?<last>\d+)$/.exec(String(header))?.groups;
  const first = Number(range?.['first'] ?? 0);
  const last = Number(range?.['last'] ?? object.size - 1);
  if ((header !== undefined && range === undefined) || last >= object.size) {
    throw new S3Error('InvalidArgument', `The range is not valid for a source of ${object.size} bytes`, {
      ArgumentName: 'x-amz-copy-source-range',
      ArgumentValue: String(header),
    });
  }
  const md5 = createHash('md5');
  const segment = await store.files.write(
    hashed(store.files.read(object.segments, first, last), (chunk) => md5.update(chunk)),
  );
  const etag = md5.digest('hex');
  const modified = wholeSeconds(Date.now());
  keepPart(store, upload, request, { number, etag, modified, segment });
  return xmlResponse(
    document(
      'CopyPartResult',
      leaf('LastModified', new Date(modified).toISOString()),
      leaf('ETag', `"${etag}"`),
    ),
  );
}

export async function completeMultipartUpload(store: BucketStore, request: S3Request): Promise<S3Response> {
  const { bucket, key, incoming } = request;
  const condition = conditionOf(incoming.headers);
  const wanted = (await readXmlBody(request, 'CompleteMultipartUpload')).filter(
    ({ name }) => name === 'Part',
  );
  const upload = uploadOf(store, request);
  const uploaded = store.index.parts(upload.id);
  const parts = wanted.map(({ leaves }) => wantedPart(uploaded, leaves['PartNumber'], leaves['ETag']));
  judgeParts(parts);
  const digest = createHash('md5');
  for (const part of parts) digest.update(part.etag, 'hex');
  const etag = `${digest.digest('hex')}-${parts.length}`;
  const segments = parts.map(({ segment }) => segment);
  const size = segments.reduce((sum, segment) => sum + segment.size, 0);
  const modified = wholeSeconds(Date.now());
  const object = { key, size, etag, modified, headers: upload.headers, segments };
  store.commit(bucket, object, condition, () => store.index.end(upload.id));
  store.files.remove(uploaded.filter((part) => !parts.includes(part)).map(({ segment }) => segment));
  return xmlResponse(
    document(
      'CompleteMultipartUploadResult',
      leaf('Location', `http://${incoming.headers.host}/${bucket}/${encodeURI(key)}`),
      leaf('Bucket', bucket),
      leaf('Key', key),
      leaf('ETag', `"${etag}"`),
    ),
  );
}

export function abortMultipartUpload(store: BucketStore, request: S3Request): S3Response {
  const upload = uploadOf(store, request);
  const parts = store.index.parts(upload.id);
  store.index.together(() => store.index.end(upload.id));
  store.files.remove(parts.map(({ segment }) => segment));
  return emptyResponse(204);
}

export function listParts(store: BucketStore, request: S3Request): S3Response {
  const upload = uploadOf(store, request);
  const after = wholeNumber(request.query, 'part-number-marker', 0);
  const most = Math.min(wholeNumber(request.query, 'max-parts', 1000), 1000);
  const following = store.index.parts(upload.id).filter(({ number }) => number > after);
  const parts = following.slice(0, most);
  return xmlResponse(
    document(
      'ListPartsResult',
      leaf('Bucket', request.bucket),
      leaf('Key', request.key),
      leaf('UploadId', upload.id),
      leaf('StorageClass', storageClassOf(upload)),
      leaf('PartNumberMarker', after),
      leaf('NextPartNumberMarker', parts.at(-1)?.number),
      leaf('MaxParts', most),
      leaf('IsTruncated', parts.length < following.length),
      ...parts.map(({ number, etag, modified, segment }) =>
        element(
          'Part',
          leaf('PartNumber', number),
          leaf('LastModified', new Date(modified).toISOString()),
          leaf('ETag', `"${etag}"`),
          leaf('Size', segment.size),
        ),
      ),
    ),
  );
}

/** All at once: a thousand uploads in progress is more than one machine sees. */
export function listMultipartUploads(store: BucketStore, { bucket, query }: S3Request): S3Response {
  const prefix = query.get('prefix') ?? '';
  const uploads = store.index.uploads(bucket).filter(({ key }) => key.startsWith(prefix));
  return xmlResponse(
    document(
      'ListMultipartUploadsResult',
      leaf('Bucket', bucket),
      leaf('Prefix', prefix),
      leaf('IsTruncated', false),
      ...uploads.map((upload) =>
        element(
          'Upload',
          leaf('Key', upload.key),
          leaf('UploadId', upload.id),
          leaf('StorageClass', storageClassOf(upload)),
          leaf('Initiated', new Date(upload.started).toISOString()),
        ),
      ),
    ),
  );
}

function uploadOf(store: BucketStore, { bucket, key, query }: S3Request): Upload {
  const upload = store.index.upload(bucket, key, query.get('uploadId') ?? '');
  if (upload !== undefined) return upload;
  throw new S3Error(
    'NoSuchUpload',
    'The specified upload does not exist: it was completed, aborted or never begun.',
  );
}

function partNumberOf({ query }: S3Request): number {
  const number = wholeNumber(query, 'partNumber', 0);
  if (number >= 1 && number <= MOST_PARTS) return number;
  throw new S3Error(
    'InvalidArgument',
    `Part number must be an integer between 1 and ${MOST_PARTS}, inclusive`,
    {
      ArgumentName: 'partNumber',
      ArgumentValue: String(number),
    },
  );
}

/** The upload may have ended while the part was on its way. */
function keepPart(store: BucketStore, upload: Upload, request: S3Request, part: Part): void {
  uploadOf(store, request);
  store.files.remove(store.index.putPart(upload.id, part));
}

function wantedPart(uploaded: readonly Part[], number: string | undefined, etag: string | undefined): Part {
  const part = uploaded.find((candidate) => String(candidate.number) === number);
  if (part !== undefined && part.etag === etag?.replaceAll('"', '')) return part;
  throw new S3Error('InvalidPart', `Part ${number} was not uploaded, or not with this ETag.`);
}

function judgeParts(parts: readonly Part[]): void {
  if (parts.length === 0) throw new S3Error('MalformedXML', 'The request names no part.');
  for (const [index, part] of parts.entries()) {
    const previous = parts[index - 1];
    if (previous === undefined) continue;
    if (previous.number >= part.number) {
      throw new S3Error('InvalidPartOrder', 'The list of parts was not in ascending order.');
    }
    if (previous.segment.size < SMALLEST_PART) {
      throw new S3Error('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', {
        PartNumber: String(previous.number),
        MinSizeAllowed: String(SMALLEST_PART),
      });
    }
  }
}

async function* hashed(
  source: AsyncIterable<Buffer>,
  update: (chunk: Buffer) => void,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of source) {
    update(chunk);
    yield chunk;
  }
}
