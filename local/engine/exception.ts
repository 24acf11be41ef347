/** An error as ClickHouse's HTTP interface gives it. */
export class ClickHouseException extends Error {
  override readonly name = 'ClickHouseException';
  readonly code: number;
  /** ClickHouse's name for the code, such as `SYNTAX_ERROR`. */
  readonly codeName: string;

  constructor(code: number, codeName: string, text: string, options?: ErrorOptions) {
    super(text, options);
    this.code = code;
    this.codeName = codeName;
  }
}

const ENGINE_ERROR =
  /^(?:Query failed: )?Code: (?<code>\d+)\. DB::\w*Exception: (?<text>[\s\S]*?)\s*\((?<name>[A-Z0-9_]+)\)\s*$/;

/** What the embedded engine threw, or 1002 UNKNOWN_EXCEPTION for what is not an error of ClickHouse's. */
export function exceptionFrom(thrown: unknown): ClickHouseException {
  if (thrown instanceof ClickHouseException) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const { code, text, name } = ENGINE_ERROR.exec(message)?.groups ?? {};
  if (code === undefined || text === undefined || name === undefined) {
    return new ClickHouseException(1002, 'UNKNOWN_EXCEPTION', message, { cause: thrown });
  }
  return new ClickHouseException(Number(code), name, text, { cause: thrown });
}

/** The body of the response. */
export const exceptionText = (exception: ClickHouseException, version: string): string =>
  `Code: ${exception.code}. DB::Exception: ${exception.message} (${exception.codeName}) (version ${version})\n`;

/** Every other error is a 500, as ClickHouse has it. */
const STATUSES: ReadonlyArray<readonly [status: number, names: ReadonlySet<string>]> = [
  [401, new Set(['REQUIRED_PASSWORD'])],
  [
    403,
    new Set([
      'ACCESS_DENIED',
      'AUTHENTICATION_FAILED',
      'SET_NON_GRANTED_ROLE',
      'UNKNOWN_USER',
      'WRONG_PASSWORD',
    ]),
  ],
  [
    400,
    new Set([
      'BAD_ARGUMENTS',
      'CANNOT_COMPILE_REGEXP',
      'CANNOT_PARSE_DATE',
      'CANNOT_PARSE_DATETIME',
      'CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING',
      'CANNOT_PARSE_ESCAPE_SEQUENCE',
      'CANNOT_PARSE_INPUT_ASSERTION_FAILED',
      'CANNOT_PARSE_IPV4',
      'CANNOT_PARSE_IPV6',
      'CANNOT_PARSE_NUMBER',
      'CANNOT_PARSE_QUOTED_STRING',
      'CANNOT_PARSE_TEXT',
      'CANNOT_PARSE_UUID',
      'DUPLICATE_COLUMN',
      'ILLEGAL_COLUMN',
      'INCORRECT_DATA',
      'SYNTAX_ERROR',
      'THERE_IS_NO_COLUMN',
      'TOO_BIG_AST',
      'TOO_DEEP_AST',
      'TYPE_MISMATCH',
      'UNEXPECTED_AST_STRUCTURE',
      'UNKNOWN_ELEMENT_IN_AST',
      'UNKNOWN_TYPE_OF_AST_NODE',
      'VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE',
    ]),
  ],
  [
    404,
    new Set([
      'UNKNOWN_AGGREGATE_FUNCTION',
      'UNKNOWN_DATABASE',
      'UNKNOWN_DATABASE_ENGINE',
      'UNKNOWN_DIRECTION_OF_SORTING',
      'UNKNOWN_FORMAT',
      'UNKNOWN_FUNCTION',
      'UNKNOWN_IDENTIFIER',
      'UNKNOWN_ROLE',
      'UNKNOWN_SETTING',
      'UNKNOWN_STORAGE',
      'UNKNOWN_TABLE',
      'UNKNOWN_TYPE',
      'UNKNOWN_TYPE_OF_QUERY',
    ]),
  ],
  [408, new Set(['TIMEOUT_EXCEEDED'])],
  [413, new Set(['QUERY_IS_TOO_LARGE'])],
  [501, new Set(['NOT_IMPLEMENTED'])],
  [503, new Set(['CANNOT_OPEN_FILE', 'CANNOT_SCHEDULE_TASK', 'SOCKET_TIMEOUT'])],
];

export const httpStatusOf = (exception: ClickHouseException): number =>
  STATUSES.find(([, names]) => names.has(exception.codeName))?.[0] ?? 500;
