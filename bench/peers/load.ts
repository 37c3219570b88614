/**
 * Loads a peer from bench/node_modules. Peers are no dependency of the library, so their types are not there when the
 * library is checked; each peer file declares the few members it uses.
 */

/**
 * @param name package name in bench/package.json
 * @returns the module, as the caller declares it
 */
export async function loadPeer<T>(name: string): Promise<T> {
  const loaded = (await import(name)) as { default?: T }
  return { ...loaded.default, ...loaded } as T
}
