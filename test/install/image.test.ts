import { execFile } from 'node:child_process'
import { copyFile, cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { project } from '../../src/build/build.ts'
import { canIsolate, expectToServe, userId } from '../support/installation.ts'

// With TEST_IMAGE=1, builds the image by the Dockerfile on a base made of this machine's Node.js and npm, and otherwise on the
// base that TEST_IMAGE names.
const wanted = process.env['TEST_IMAGE'] ?? ''

/** What Docker and buildah say of an image. */
interface ImageConfig {
  Env: string[]
  Cmd: [string, ...string[]]
  User: string
  WorkingDir: string
  Healthcheck: { Test: ['CMD', string, ...string[]] }
}

test('the image serves as its user, on a read-only file system', { timeout: 900_000 }, async ({ skip }) => {
  if (wanted === '') skip('The image is built with TEST_IMAGE=1 alone, as that takes a minute or more.')
  if (!canIsolate) skip('To look into an image takes root.')
  const buildah = await openBuildah()
  if (buildah === undefined) return skip('There is no buildah.')

  const base = wanted === '1' ? await makeBase(buildah) : wanted
  const cache = (await output('npm', ['config', 'get', 'cache'])).trim()
  // Docker's format, as only that has the health check.
  const options = ['--format', 'docker', '--build-arg', `BASE=${base}`, '--volume', `${cache}:/root/.npm`]
  await buildah('bud', ...options, '--tag', image, project)
  const { Docker } = JSON.parse(await buildah('inspect', '--type', 'image', image))
  const config: ImageConfig = Docker.config
  expect(config.User).toBe(`${userId}:${userId}`)

  const container = (await buildah('from', image)).trim()
  const root = (await buildah('mount', container)).trim()
  const [, ...check] = config.Healthcheck.Test
  await expectToServe({
    root,
    folder: config.WorkingDir,
    start: config.Cmd,
    check,
    environment: Object.fromEntries(config.Env.map((variable) => variable.split(/=(.*)/s, 2))),
  })
})

const image = 'localhost/promo-codes:test'

type Buildah = (command: string, ...args: string[]) => Promise<string>

/** Runs buildah with images of its own, which are removed after the test; undefined without one. */
async function openBuildah(): Promise<Buildah | undefined> {
  const found = await output('buildah', ['--version']).catch((error: NodeJS.ErrnoException) => error.code)
  if (found === 'ENOENT') return undefined
  const folder = await mkdtemp(join(tmpdir(), 'promo-codes-image-'))
  const storage = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run')]
  const buildah: Buildah = (command, ...args) => output('buildah', [...storage, command, ...args])
  onTestFinished(async () => {
    await buildah('rm', '--all')
    await buildah('rmi', '--all', '--force')
    // buildah leaves this mount behind.
    await output('sh', ['-c', '! mountpoint -q "$1" || umount "$1"', 'sh', join(folder, 'root/overlay')])
    await rm(folder, { recursive: true, maxRetries: 5 })
  })
  return buildah
}

/** Builds an image of this machine's Node.js, npm and shell, with the libraries that they need. */
async function makeBase(buildah: Buildah): Promise<string> {
  const base = 'localhost/base:test'
  const root = await mkdtemp(join(tmpdir(), 'promo-codes-base-'))
  onTestFinished(() => rm(root, { recursive: true, maxRetries: 5 }))
  const programs = { '/usr/bin/node': process.execPath, '/bin/sh': '/bin/sh', '/usr/bin/env': '/usr/bin/env' }
  for (const [path, program] of Object.entries(programs)) await put(root, path, await realpath(program))
  for (const library of await librariesOf(Object.values(programs)))
    await put(root, library, await realpath(library))
  const npm = dirname(dirname(await realpath((await output('sh', ['-c', 'command -v npm'])).trim())))
  await cp(npm, join(root, 'usr/lib/npm'), { recursive: true })
  await symlink('../lib/npm/bin/npm-cli.js', join(root, 'usr/bin/npm'))
  await mkdir(join(root, 'tmp'), { mode: 0o1777 })
  await mkdir(join(root, 'etc'))
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\n')
  const environment = ['PATH=/usr/bin:/bin']
  const authorities = process.env['NODE_EXTRA_CA_CERTS']
  if (authorities) {
    await put(root, '/etc/authorities.pem', await realpath(authorities))
    environment.push('NODE_EXTRA_CA_CERTS=/etc/authorities.pem')
  }
  await writeFile(join(root, 'Dockerfile'), `FROM scratch\nCOPY . /\nENV ${environment.join(' ')}\n`)
  await buildah('bud', '--tag', base, root)
  return base
}

async function put(root: string, path: string, source: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await copyFile(source, join(root, path))
}

/** The libraries that programs are linked with, and those of the C library that are loaded later. */
async function librariesOf(programs: string[]): Promise<Set<string>> {
  const linked = (await output('ldd', programs)).match(/\/\S+\.so\S*/g) ?? []
  const folder = dirname(linked.find((path) => path.includes('/libc.so')) ?? '/lib/libc.so')
  const loaded = ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2', 'librt.so.1', 'libutil.so.1']
  return new Set([...linked, ...loaded.map((name) => join(folder, name))])
}

async function output(program: string, args: string[]): Promise<string> {
  const env = { ...process.env, BUILDAH_ISOLATION: 'chroot' }
  return (await promisify(execFile)(program, args, { env, maxBuffer: 100_000_000 })).stdout
}
