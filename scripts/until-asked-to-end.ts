/** Resolves when the process is asked to end, by Ctrl-C or a signal. */
export async function untilAskedToEnd(): Promise<void> {
  const keepAlive = setInterval(() => undefined, 60_000);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  clearInterval(keepAlive);
}
