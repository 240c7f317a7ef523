import { readFileSync } from 'node:fs';

const WANTED = 65_536;

/** What to put before a command that needs so many open files: nothing where the hard limit, to which it helps itself, allows them. */
export function allowFiles(needed: number): readonly string[] {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  const isEnough = hard === 'unlimited' || Number(hard) >= needed;
  return isEnough ? [] : ['prlimit', `--nofile=${Math.max(WANTED, needed)}`];
}
