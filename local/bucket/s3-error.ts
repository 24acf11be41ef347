import { leaf } from './xml.ts';

/** The codes that are answered here, with the status that AWS gives each. */
const STATUSES = {
  BadDigest: 400,
  EntityTooSmall: 400,
  IncompleteBody: 400,
  InternalError: 500,
  InvalidArgument: 400,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  InvalidRange: 416,
  InvalidRequest: 400,
  InvalidStorageClass: 400,
  InvalidURI: 400,
  KeyTooLongError: 400,
  MalformedXML: 400,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchUpload: 404,
  NoSuchVersion: 404,
  NotImplemented: 501,
  PreconditionFailed: 412,
} as const;
export type S3ErrorCode = keyof typeof STATUSES;

/** An error as S3 answers it. */
export class S3Error extends Error {
  override readonly name = 'S3Error';
  readonly code: S3ErrorCode;
  /** Further elements of the answer, such as `Condition` or `BucketName`. */
  readonly detail: Readonly<Record<string, string>>;

  constructor(
    code: S3ErrorCode,
    message: string,
    detail: Readonly<Record<string, string>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.detail = detail;
  }

  get status(): number {
    return STATUSES[this.code];
  }

  toXml(requestId: string): string {
    const detail = Object.entries(this.detail).map(([name, value]) => leaf(name, value));
    const elements = [
      leaf('Code', this.code),
      leaf('Message', this.message),
      ...detail,
      leaf('RequestId', requestId),
    ];
    return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${elements.join('')}</Error>`;
  }
}

export const noSuchKey = (key: string): S3Error =>
  new S3Error('NoSuchKey', 'The specified key does not exist.', { Key: key });
