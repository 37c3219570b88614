/**
 * The numbers of the local protocol, each with its reason. Both ends use the same ones.
 */

/** Grows whenever a frame changes its meaning. Both ends must name the same one in their hello. */
export const PROTOCOL_VERSION = 1

/** Largest body of one frame. 10,000 jobs of 1.6 kB fit; a stray writer cannot make the reader allocate more. */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024

/** Deepest nesting of arrays and objects in one frame. JSON.parse recurses, so depth costs stack. */
export const MAX_DEPTH = 200

/** Calls and streams that one connection may have open: tens of thousands of waits, but not without end. */
export const MAX_PENDING = 65_536

/** Bytes of calls not yet answered, beyond which a connection is not read any further. */
export const MAX_PENDING_BYTES = 64 * 1024 * 1024

/** Bytes waiting in one socket beyond which streams pause and reading stops until they have drained. */
export const MAX_UNSENT_BYTES = 4 * 1024 * 1024

/** Most credit a client may hold for one stream. */
export const MAX_CREDIT = 4_096

/** How long a new connection may take to say hello, ms. */
export const HELLO_TIMEOUT_MS = 5_000

/** How long a worker's session outlives its last connection, ms, so that a reconnect finds it as it was. */
export const SESSION_LINGER_MS = 10_000

/** Notices kept for a session without a connection. */
export const MAX_KEPT_NOTICES = 10_000

/** Jobs of a list that are read, or made into a message, in one go: a millisecond or two. */
export const LIST_ROWS_AT_ONCE = 50
