/** Programs of the peers. Whoever cannot install them leaves the peers out. */
import { needProgram as need } from '../../scripts/lib/debian.ts'

/** Returns the program, installing its Debian package first if it is missing. Throws an Error that says what to do. */
export function needProgram(name: string, debianPackage: string): string {
  return need(name, debianPackage, ', or use --no-peers')
}
