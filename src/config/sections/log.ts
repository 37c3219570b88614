/** What nodes and workers say on their standard error, and to those who follow them. */
import { LEVELS, type LogLevel } from '../../std/levels.ts'
import { choice, Setting } from '../setting.ts'

/** The section `log`. */
export const LOG = {
  level: new Setting<LogLevel>(choice(LEVELS), {
    about:
      'least important records that are made: debug, info, warn or error; debug has one for each attempt',
    fallback: 'info',
    isLive: true,
    flag: '--log-level <level>',
  }),
  format: new Setting<'auto' | 'json' | 'text'>(choice(['auto', 'json', 'text']), {
    about: 'lines on standard error: json, text, or auto: text on a terminal, otherwise json',
    fallback: 'auto',
    flag: '--log-format <format>',
  }),
} as const
