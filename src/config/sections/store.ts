/** Where jobs live. */
import { Setting, text } from '../setting.ts'

/** The section `store`. */
export const STORE = {
  url: new Setting<string | undefined>(text(), {
    about: 'the store: sqlite:FILE or unix:SOCKET; without it, the store of the current user',
    fallback: undefined,
    variable: 'PERDURE_URL',
    flag: '--url',
  }),
} as const
