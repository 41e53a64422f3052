/** Loaded into a process before its program, with --expose-gc: tells on standard output what it holds at every SIGUSR2. */

let told = 0

process.on('SIGUSR2', () => {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  told += 1
  process.stdout.write(`memory ${told}: ${heapUsed + external}\n`)
})
