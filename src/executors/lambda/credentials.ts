/**
 * Credentials of AWS: given, from the environment, or from wherever their own library finds some, if that is installed.
 */
import { type PerdureError, perdureError } from '../../errors.ts'
import type { AwsCredentials } from './sign.ts'

/** Gives credentials, fresh ones when those before have run out. */
export type CredentialSource = () => AwsCredentials | Promise<AwsCredentials>

/** A package of AWS, which knows profiles, roles and instance metadata. Loaded where it is needed, and only there. */
const CHAIN = '@aws-sdk/credential-providers'

/** The source of an environment: its variables, else the package. */
export function credentialsOf(env: NodeJS.ProcessEnv): CredentialSource {
  let chain: Promise<CredentialSource> | undefined
  return async () => {
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = env
    if (AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY) {
      const session = AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {}
      return { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY, ...session }
    }
    chain ??= loadChain()
    return (await chain)()
  }
}

async function loadChain(): Promise<CredentialSource> {
  try {
    const loaded = (await import(CHAIN)) as { fromNodeProviderChain(): CredentialSource }
    return loaded.fromNodeProviderChain()
  } catch (cause) {
    throw noCredentials(cause)
  }
}

function noCredentials(cause: unknown): PerdureError {
  return perdureError('UNAUTHENTICATED', {
    expected: 'credentials of AWS',
    found: 'neither AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, nor the option `credentials`',
    fix: `Give one of them, or install ${CHAIN} for profiles and roles`,
    cause,
  })
}
