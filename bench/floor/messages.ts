/** What passes between the two threads of the floor: few, big messages of typed arrays, as an engine would send. */

/** One thing to write. Job ids are consecutive in a batch, so that two numbers name a thousand of them. */
export type FloorWrite =
  | {
      write: 'insert'
      call: number
      first: number
      count: number
      dueAt: number
      inputs: Uint8Array
      ends: Int32Array
    }
  | { write: 'run'; call: number; first: number; count: number }
  | { write: 'succeed'; call: number; first: number; count: number }
  | { write: 'close'; call: number }

/** The calls that one commit has made durable. */
export interface FloorAcknowledgement {
  calls: number[]
}
