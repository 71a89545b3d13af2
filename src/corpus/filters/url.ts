/**
 * Pages that their address gives away: domains on a list (such as the UT1 categories that FineWeb uses) and words in the host name.
 *
 * The path is not looked at: news about a casino has the word in its path, too.
 */
import { z } from 'zod'
import { dataFile } from '../../run/schema.ts'
import type { Verdict } from '../document.ts'
import blocked from './blocked.url.json' with { type: 'json' }

export const urlConfig = z.strictObject({
  domains: z.array(dataFile()).default([]).describe('files with a blocked domain a line'),
  words: z.boolean().default(true).describe('refuse hosts that hold words of gambling, pornography and drug sales'),
})

const tokens = new Set(blocked.token)

/** `domains`: host names; a host is blocked with all of its subdomains. */
export function urlFilter(url: string, domains: ReadonlySet<string>, words: boolean): Verdict {
  const host = hostOf(url)
  if (host === undefined) return null
  const labels = host.split('.')
  for (let i = 0; i < labels.length; i++) {
    const domain = labels.slice(i).join('.')
    if (domains.has(domain)) return { rule: 'url/domain', detail: `${domain} is on the list of blocked domains` }
  }
  if (!words) return null
  const anywhere = blocked.anywhere.find((word) => host.includes(word))
  const token = anywhere ?? host.split(/[.-]/).find((part) => tokens.has(part))
  return token === undefined ? null : { rule: 'url/word', detail: `the host ${host} holds "${token}"` }
}

function hostOf(url: string): string | undefined {
  try {
    return new URL(url).hostname.toLowerCase()
  } catch {
    return undefined
  }
}

/** Domains from the text of a list; `#` opens a comment. */
export function parseDomains(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim().toLowerCase())
    .filter((line) => line !== '')
}
