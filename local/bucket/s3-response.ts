export interface S3Response {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: string | AsyncIterable<Buffer>;
}

export const xmlResponse = (xml: string, headers: S3Response['headers'] = {}): S3Response => ({
  status: 200,
  headers: { 'Content-Type': 'application/xml', ...headers },
  body: xml,
});

export const emptyResponse = (status: number, headers: S3Response['headers'] = {}): S3Response => ({
  status,
  headers,
  body: '',
});
