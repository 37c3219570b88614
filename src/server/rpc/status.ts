/**
 * Errors as statuses of gRPC and HTTP.
 *
 * Owns: which status stands for which code. Programs read the code, which travels along as a detail; the status is for
 * proxies, load balancers and people with curl.
 */
import { Code, ConnectError } from '@connectrpc/connect'
import type { ErrorCode } from '../../errors.ts'
import { ErrorSchema } from '../../protocol/generated/perdure/v1/errors_pb.ts'
import { errorToWire } from '../../protocol/rpc/parts.ts'
import type { Logger } from '../../runtime/logger/logger.ts'
import { wireError } from '../wire-error.ts'

/** The status of each code. */
export const STATUS: Readonly<Record<ErrorCode, Code>> = {
  INVALID_OPTION: Code.InvalidArgument,
  INVALID_NAME: Code.InvalidArgument,
  INVALID_DURATION: Code.InvalidArgument,
  INVALID_URL: Code.InvalidArgument,
  INVALID_CONFIG: Code.InvalidArgument,
  INVALID_CURSOR: Code.InvalidArgument,
  INVALID_INPUT: Code.InvalidArgument,
  INVALID_OUTPUT: Code.InvalidArgument,
  NOT_SERIALIZABLE: Code.InvalidArgument,
  TOO_LARGE: Code.OutOfRange,
  UNKNOWN_STATE: Code.InvalidArgument,
  NOT_FOUND: Code.NotFound,
  WRONG_STATE: Code.FailedPrecondition,
  KEY_CONFLICT: Code.AlreadyExists,
  DUPLICATE: Code.AlreadyExists,
  CYCLE: Code.InvalidArgument,
  DEPENDENCY_FAILED: Code.FailedPrecondition,
  LEASE_LOST: Code.FailedPrecondition,
  WORKER_LOST: Code.Aborted,
  TIMEOUT: Code.DeadlineExceeded,
  CANCELLED: Code.Canceled,
  HANDLER_FAILED: Code.Unknown,
  EXIT_CODE: Code.Unknown,
  SPAWN_FAILED: Code.Unknown,
  SERVICE_FAILED: Code.Unknown,
  UNKNOWN_KIND: Code.InvalidArgument,
  NO_HANDLER: Code.NotFound,
  REFUSED: Code.InvalidArgument,
  NO_WORKER: Code.Unavailable,
  NON_DETERMINISM: Code.FailedPrecondition,
  STUCK: Code.FailedPrecondition,
  STORE_BUSY: Code.Unavailable,
  STORE_FOREIGN: Code.DataLoss,
  STORE_CORRUPT: Code.DataLoss,
  STORE_VERSION: Code.FailedPrecondition,
  STORE_FAILED: Code.Unavailable,
  FENCED: Code.Unavailable,
  UNKNOWN_OUTCOME: Code.Unknown,
  OVERLOADED: Code.ResourceExhausted,
  CLOSED: Code.Unavailable,
  UNAVAILABLE: Code.Unavailable,
  PROTOCOL: Code.InvalidArgument,
  UNAUTHENTICATED: Code.Unauthenticated,
  DENIED: Code.PermissionDenied,
  INTERNAL: Code.Internal,
}

/** The status of anything thrown, with the error itself as its detail. The logger is told of bugs. */
export function statusOf(thrown: unknown, logger?: Logger): ConnectError {
  // what the transport itself says: the caller has gone, or its time is over
  if (thrown instanceof ConnectError) return thrown
  const record = wireError(thrown, logger)
  const error = new ConnectError(record.message, STATUS[record.code as ErrorCode])
  error.details.push({ desc: ErrorSchema, value: errorToWire(record) })
  const retryAfterMs = record.data?.retryAfterMs
  if (typeof retryAfterMs === 'number')
    error.metadata.set('retry-after', String(Math.ceil(retryAfterMs / 1000)))
  return error
}
