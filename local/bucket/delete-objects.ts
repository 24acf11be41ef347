import type { BucketStore } from './bucket-store.ts';
import { conditionOf } from './conditional-writes.ts';
import { refuseVersion } from './objects.ts';
import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';
import { type S3Response, xmlResponse } from './s3-response.ts';
import type { Segment } from './stored-object.ts';
import { document, element, leaf } from './xml.ts';
import { readXmlBody, type XmlElement } from './xml-body.ts';

/** AWS's limit. */
const MOST_KEYS = 1000;

/** Keys that do not exist count as deleted; a key that may not be deleted has an error of its own in the answer. */
export async function deleteObjects(store: BucketStore, request: S3Request): Promise<S3Response> {
  const children = await readXmlBody(request, 'Delete');
  const objects = children.filter(({ name }) => name === 'Object');
  if (objects.length === 0 || objects.length > MOST_KEYS) {
    throw new S3Error(
      'MalformedXML',
      `The request names ${objects.length} keys; 1 to ${MOST_KEYS} are allowed.`,
    );
  }
  const quiet = children.some(({ name, text }) => name === 'Quiet' && text === 'true');
  const removed: Segment[] = [];
  const results = store.index.together(() =>
    objects.map((object) => deleteOne(store, request.bucket, object, removed, quiet)),
  );
  store.files.remove(removed);
  return xmlResponse(document('DeleteResult', ...results));
}

function deleteOne(
  store: BucketStore,
  bucket: string,
  { leaves }: XmlElement,
  removed: Segment[],
  quiet: boolean,
): string {
  const { Key: key = '', VersionId: versionId, ETag: etag } = leaves;
  try {
    refuseVersion(versionId);
    conditionOf(etag === undefined ? {} : { 'if-match': etag })(key, store.index.object(bucket, key));
    removed.push(...store.index.remove(bucket, key));
    return quiet ? '' : element('Deleted', leaf('Key', key), leaf('VersionId', versionId));
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    return element('Error', leaf('Key', key), leaf('Code', error.code), leaf('Message', error.message));
  }
}
