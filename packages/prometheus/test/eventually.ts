const patienceMs = 20_000
const pauseMs = 5

/** Waits until the condition holds; throws when it has not for 20 s. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + patienceMs
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('not within 20 s')
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}
