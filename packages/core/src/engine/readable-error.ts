/**
 * What a handler threw, if it can be looked at. JavaScript lets anything be thrown, a proxy or an error whose message is
 * a getter that throws included; whoever names, logs or stores the error would then fail in its place.
 */
export function readableError(thrown: unknown): unknown {
  try {
    if (thrown instanceof Error) {
      // The texts of each part that is read later on.
      String(thrown.name)
      String(thrown.message)
      String(thrown.stack)
      if ('code' in thrown) String(thrown.code)
    } else String(thrown)
    return thrown
  } catch {
    return new Error('what was thrown cannot be read: looking at it throws')
  }
}
