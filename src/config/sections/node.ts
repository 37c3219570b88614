/** A node that others speak to: where it listens, and how it proves who it is. */
import { Setting, text, toggle, whole } from '../setting.ts'

const file = (about: string) => new Setting<string | undefined>(text(), { about, fallback: undefined })

/** The section `node`. */
export const NODE = {
  host: new Setting(text(255), {
    about: 'address to listen on; others than loopback need a token or a certificate',
    fallback: '127.0.0.1',
    flag: '--host <address>',
  }),
  port: new Setting(whole(0, 65_535), {
    about: 'port to listen on; 0 takes any that is free',
    fallback: 7_400,
    flag: '--port <n>',
  }),
  tls: {
    cert: file('file of the certificate and its chain, PEM'),
    key: file('file of the private key, PEM'),
    clientCa: file('file of the authorities whose client certificates are let in, PEM'),
  },
  metrics: new Setting(toggle(), {
    about: 'serve /metrics for Prometheus',
    fallback: true,
  }),
} as const
