/**
 * Reading Markdown as far as checks of the docs need it: parts between marks, links, blocks of code.
 */

/** A block of code. */
export interface CodeBlock {
  readonly language: string
  readonly text: string
  /** Line of its first line of code, from 1. */
  readonly line: number
}

/** Replaces what stands between `<!-- NAME -->` and `<!-- /NAME -->`. Throws where the marks are not there. */
export function replaceBetween(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error(`expected ${begin} and ${end} in the page, found none`)
  return `${page.slice(0, from + begin.length)}\n${text.trim()}\n${page.slice(to)}`
}

/** All blocks between fences. */
export function codeBlocks(page: string): CodeBlock[] {
  const blocks: CodeBlock[] = []
  let open: { language: string; line: number; lines: string[] } | undefined
  for (const [index, line] of page.split('\n').entries()) {
    if (!line.startsWith('```')) open?.lines.push(line)
    else if (open === undefined) open = { language: line.slice(3).trim(), line: index + 2, lines: [] }
    else {
      blocks.push({ language: open.language, text: `${open.lines.join('\n')}\n`, line: open.line })
      open = undefined
    }
  }
  return blocks
}

/** The page without its blocks of code. */
export function prose(page: string): string {
  return page.replace(/^```.*?^```$/gms, '')
}

/** Targets of links and images, without those to the web. */
export function localLinks(page: string): string[] {
  return [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
}

/** The anchors of a page: its headings as GitHub names them. */
export function anchors(page: string): string[] {
  return [...prose(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  )
}
