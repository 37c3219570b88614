/**
 * The table of settings in docs/configuration.md, made from the schema.
 *
 * Usage: node scripts/settings-table.ts   writes it into the page.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SCHEMA, settingsOf, variableOf } from '../src/config/schema.ts'
import { replaceBetween } from './lib/markdown.ts'

const PAGE = join(import.meta.dirname, '..', 'docs', 'configuration.md')

/** A page with the table as the schema has it. */
export function withSettings(page: string): string {
  const rows = [...settingsOf(SCHEMA)].map((placed) => {
    const { path, setting } = placed
    const fallback = setting.write(setting.fallback)
    const flag = setting.flag === undefined ? '' : `\`${/--[a-z-]+/.exec(setting.flag)?.[0]}\``
    const cells = [
      `\`${path}\``,
      fallback === null ? '' : `\`${String(fallback)}\``,
      setting.isLive ? 'yes' : '',
      `\`${variableOf(placed)}\``,
      flag,
      setting.about,
    ]
    return `| ${cells.join(' | ')} |`
  })
  const head = ['| setting | default | live | variable | flag | meaning |', '|---|---|---|---|---|---|']
  return replaceBetween(page, 'settings', [...head, ...rows].join('\n'))
}

if (import.meta.main) writeFileSync(PAGE, withSettings(readFileSync(PAGE, 'utf8')))
