#!/usr/bin/env node
/**
 * The `perdure` command.
 */
import { beginYoung } from '../runtime/heap.ts'
import { runProgram } from './program.ts'

beginYoung()
process.exitCode = await runProgram(process.argv.slice(2), process, process.env)
