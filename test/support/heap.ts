/** Preloaded into a process with --expose-gc: prints how much memory it uses at every SIGUSR2. */

let count = 0

process.on('SIGUSR2', () => {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  count += 1
  process.stdout.write(`memory ${count}: ${heapUsed + external}\n`)
})
