/**
 * Python of unknown intent, run under Linux: a process with a root of its own (read-only; the interpreter, its library and the system's
 * shared libraries, nothing else), no network, no other processes in sight, nobody's rights, no second process, and limits of time,
 * memory and output. The kernel's namespaces and limits do it, through `unshare`, `mount`, `chroot`, `setpriv` and `prlimit` of util-linux and coreutils.
 *
 * It protects files, secrets, network and machine from code that is careless or hostile to them. It does not protect from a fault in the
 * kernel itself: all system calls are open, and so are user namespaces where the system allows them. Whoever runs code of an attacker
 * puts a virtual machine around it. Where any part is missing (macOS, Windows, containers that forbid namespaces) nothing is run.
 * Reasons, and what was not taken: docs/decisions/0010-suites.md.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { UserError } from '../../run/index.ts'

export interface SandboxLimits {
  /** Wall clock, and as much of the processor, in seconds. */
  seconds: number
  /** Of address space. */
  bytes: number
}

export interface Ran {
  /** The program came to its end, and nothing was raised. */
  finished: boolean
  /** `time`: it was stopped for taking too long; `output`: for printing too much. */
  stopped: 'time' | 'output' | null
  /** What it printed, errors last. */
  output: string
}

export interface Sandbox {
  run(program: string, limits?: SandboxLimits): Promise<Ran>
  close(): Promise<void>
}

const LIMITS: SandboxLimits = { seconds: 5, bytes: 512 << 20 }
const OUTPUT_BYTES = 1 << 16
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin'

/** Makes a new root of the paths that follow it and becomes Python there; the program comes through the standard input. */
const ENTER = `set -e
root=$1; python=$2; rights=$3; bytes=$4; seconds=$5; shift 5
mount -t tmpfs -o size=1m,mode=755,nosuid,nodev none "$root"
for link in /bin /lib /lib64; do if [ -L $link ]; then cp -P $link "$root$link"; fi; done
for part in "$@"; do
  if [ -d "$part" ]; then mkdir -p "$root$part"; else mkdir -p "$root\${part%/*}"; : > "$root$part"; fi
  mount --bind "$part" "$root$part"
  mount -o remount,bind,ro,nosuid,nodev "$root$part"
done
mount -o remount,bind,ro,nosuid,nodev "$root"
cd "$root"
mount --move . / 2>/dev/null || :
exec chroot . setpriv $rights --pdeathsig=KILL --no-new-privs --inh-caps=-all --bounding-set=-all -- \
  prlimit --as=$bytes --cpu=$seconds --fsize=0 --core=0 --nofile=32 --nproc=1 -- "$python" -I -S -`

/** Throws a UserError that says what is missing. */
export async function openSandbox(): Promise<Sandbox> {
  const python = await findPython()
  const folder = await mkdtemp(join(tmpdir(), 'xueba-sandbox-'))
  const sandbox = sandboxOf(python, folder)
  const ran = await sandbox.run(PROBE, { seconds: 20, bytes: 512 << 20 })
  if (ran.finished && ran.output === '') return sandbox
  await sandbox.close()
  const reason = ran.output.trim().split('\n').at(-1) || 'no answer'
  throw new UserError(
    `HumanEval runs code that a model wrote, and only in a sandbox: this system does not let one be made (${reason}). It needs Linux with unshare, setpriv and prlimit, as root or with unprivileged user namespaces, and python3`,
    `HumanEval 要运行模型写的代码，只在沙箱里运行；这个系统建不了沙箱（${reason}）。需要 Linux，有 unshare、setpriv、prlimit 和 python3，并且是 root 或允许普通用户建用户命名空间`,
  )
}

// --- internal ---

/** Prints what the sandbox lets through and should not. */
const PROBE = `import os, socket
for path in ('/etc', '/home', '/root', '/proc', '/tmp', '/var'):
    if os.path.exists(os.path.join(path, '.')) and os.access(path, os.R_OK): print('it shows', path)
try:
    open('/written', 'w'); print('it lets files be written')
except OSError: pass
try:
    os.fork(); print('it lets processes be started')
except OSError: pass
try:
    socket.create_connection(('192.0.2.1', 9), 1); print('it has a network')
except OSError as error:
    if error.errno not in (101, 99, 1, 13): print('it has a network')
`

interface Python {
  executable: string
  /** Folders and files that it needs. */
  parts: string[]
}

async function findPython(): Promise<Python> {
  const ask = `import json, os, sys, sysconfig
shared = [sysconfig.get_config_var('LIBDIR')] if sysconfig.get_config_var('Py_ENABLE_SHARED') else []
print(json.dumps([os.path.realpath(sys.executable), sysconfig.get_path('stdlib'), sysconfig.get_path('platstdlib')] + shared))`
  for (const name of ['/usr/bin/python3', 'python3'])
    try {
      const { stdout } = await promisify(execFile)(name, ['-I', '-S', '-c', ask])
      const [executable = '', ...libraries] = JSON.parse(stdout) as string[]
      return { executable, parts: [executable, ...libraries] }
    } catch {}
  throw new UserError(
    'HumanEval needs python3, and there is none: its programs and tests are Python',
    'HumanEval 需要 python3，这里没有：它的程序和测试都是 Python 写的',
  )
}

function sandboxOf({ executable, parts }: Python, folder: string): Sandbox {
  const isRoot = process.getuid?.() === 0
  const unshare = `${isRoot ? '' : '-Ur '}--mount --net --pid --ipc --uts --fork --kill-child --propagation private`
  const rights = isRoot ? '--reuid=65534 --regid=65534 --clear-groups' : ''

  async function run(program: string, { seconds, bytes }: SandboxLimits = LIMITS): Promise<Ran> {
    // Only a program that comes to its end prints this; one that leaves early does not know it.
    const mark = createHash('sha256').update(program).digest('hex')
    const shown = await existing(['/lib', '/lib64', '/usr/lib', '/usr/lib64', ...(await tools()), ...parts])
    const args = [
      ...unshare.split(' '),
      'sh',
      '-c',
      ENTER,
      'sh',
      folder,
      executable,
      rights,
      String(bytes),
      String(Math.ceil(seconds)),
      ...shown,
    ]
    const child = spawn('unshare', args, { cwd: '/', env: { PATH, LC_ALL: 'C.UTF-8' }, stdio: 'pipe' })
    let [out, err, size] = ['', '', 0]
    let stopped: Ran['stopped'] = null
    const stop = (why: Ran['stopped']) => {
      stopped ??= why
      endAll(child)
    }
    const timer = setTimeout(() => stop('time'), seconds * 1000)
    const take = (chunk: Buffer): string => {
      if ((size += chunk.length) <= OUTPUT_BYTES) return chunk.toString()
      stop('output')
      return ''
    }
    child.stdout.on('data', (chunk: Buffer) => (out += take(chunk)))
    child.stderr.on('data', (chunk: Buffer) => (err += take(chunk)))
    child.stdin.on('error', () => {}) // it may end before it has read everything
    child.stdin.end(`${program}\n__import__('os').write(1, b'${mark}')\n`)
    await new Promise<void>((resolve) => {
      child.on('error', (error) => {
        err += error.message
        resolve()
      })
      child.on('close', () => resolve())
    })
    clearTimeout(timer)
    const finished = stopped === null && out.includes(mark)
    return { finished, stopped, output: out.replace(mark, '') + err }
  }

  return { run, close: () => rm(folder, { recursive: true, force: true }) }
}

/**
 * The first process of the namespace dies first, and everything in it with it: it is unshare's only child, whatever it has made of its group
 * and session meanwhile.
 */
function endAll(unshare: ChildProcess): void {
  try {
    const children = readFileSync(`/proc/${unshare.pid}/task/${unshare.pid}/children`, 'utf8')
    for (const pid of children.trim().split(' ').filter(Boolean)) process.kill(Number(pid), 'SIGKILL')
  } catch {} // it has ended by itself, or it dies with unshare (--pdeathsig)
  unshare.kill('SIGKILL')
}

/** Where setpriv and prlimit are. */
async function tools(): Promise<string[]> {
  const places = PATH.split(':').flatMap((folder) => [join(folder, 'setpriv'), join(folder, 'prlimit')])
  return existing(places)
}

/** Real paths of what is there, no path inside another. */
async function existing(paths: readonly string[]): Promise<string[]> {
  const real = await Promise.all(paths.map((path) => realpath(path).catch(() => undefined)))
  const found = [...new Set(real.filter((path) => path !== undefined))].sort()
  return found.filter((path) => !found.some((other) => path.startsWith(`${other}/`)))
}
