import type { BucketStore } from './bucket-store.ts';
import { deleteObjects } from './delete-objects.ts';
import { listObjectsV1, listObjectsV2, listObjectVersions } from './list-objects.ts';
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  listMultipartUploads,
  listParts,
  uploadPart,
  uploadPartCopy,
} from './multipart.ts';
import { copyObject, deleteObject, getObject, putObject, refuseVersion } from './objects.ts';
import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';
import { emptyResponse, type S3Response, xmlResponse } from './s3-response.ts';
import { document, element, leaf } from './xml.ts';

/** One operation of S3; its own errors are S3Errors. */
type Operation = (store: BucketStore, request: S3Request) => S3Response | Promise<S3Response>;

/** URL parameters that say how, and not what; any other one makes a request another operation. */
const MODIFIERS = new Set([
  'continuation-token',
  'delimiter',
  'encoding-type',
  'fetch-owner',
  'key-marker',
  'list-type',
  'marker',
  'max-keys',
  'max-parts',
  'max-uploads',
  'part-number-marker',
  'prefix',
  'start-after',
  'upload-id-marker',
  'version-id-marker',
  'versionId',
  'x-id',
]);

/** By method and what the URL parameters and headers add to it. */
const OBJECT_OPERATIONS: Readonly<Record<string, Operation>> = {
  GET: getObject,
  HEAD: getObject,
  PUT: putObject,
  DELETE: deleteObject,
  'PUT copy': copyObject,
  'POST uploads': createMultipartUpload,
  'PUT partNumber uploadId': uploadPart,
  'PUT copy partNumber uploadId': uploadPartCopy,
  'POST uploadId': completeMultipartUpload,
  'DELETE uploadId': abortMultipartUpload,
  'GET uploadId': listParts,
};

const BUCKET_OPERATIONS: Readonly<Record<string, Operation>> = {
  HEAD: () => emptyResponse(200, { 'x-amz-bucket-region': 'us-east-1' }),
  GET: (store, request) =>
    request.query.get('list-type') === '2' ? listObjectsV2(store, request) : listObjectsV1(store, request),
  'GET versions': listObjectVersions,
  'GET uploads': listMultipartUploads,
  'GET versioning': () => xmlResponse(document('VersioningConfiguration')),
  'GET location': () => xmlResponse(document('LocationConstraint')),
  'POST delete': deleteObjects,
};

export const objectOperation: Operation = (store, request) => {
  refuseVersion(request.query.get('versionId'));
  return find(OBJECT_OPERATIONS, request)(store, request);
};

export const bucketOperation: Operation = (store, request) =>
  find(BUCKET_OPERATIONS, request)(store, request);

export const serviceOperation: Operation = (store, request) => {
  const created = leaf('CreationDate', new Date(store.created).toISOString());
  const buckets = store.buckets.map((bucket) => element('Bucket', leaf('Name', bucket), created));
  const list: Operation = () =>
    xmlResponse(document('ListAllMyBucketsResult', element('Buckets', ...buckets)));
  return find({ GET: list }, request)(store, request);
};

function find(operations: Readonly<Record<string, Operation>>, request: S3Request): Operation {
  const subresources = [...request.query.keys()].filter(
    (name) => !MODIFIERS.has(name) && !/^X-Amz-/i.test(name),
  );
  if (request.incoming.headers['x-amz-copy-source'] !== undefined) subresources.push('copy');
  const name = [request.method, ...subresources.sort()].join(' ');
  const operation = operations[name];
  if (operation !== undefined) return operation;
  throw new S3Error('NotImplemented', `This server does not implement ${name}.`);
}
