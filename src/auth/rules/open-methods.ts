/**
 * Methods that name nothing to be guarded and without which no client gets as far as an allowed call. They are open to every
 * caller whom any rule allows anything, so that rules can be written about tools alone; see `decide`. All other methods,
 * unknown ones included, need a rule that allows them.
 */
export const openMethods: { readonly [method: string]: { readonly eras: Eras; readonly why: string } } = {
  initialize: { eras: 'legacy', why: 'begins each session' },
  'notifications/initialized': { eras: 'legacy', why: 'ends the handshake of a session' },
  ping: { eras: 'legacy', why: 'asks whether the peer lives' },
  'logging/setLevel': { eras: 'legacy', why: 'concerns the messages of the own session' },
  'notifications/cancelled': { eras: 'legacy', why: 'takes back an own request' },
  'notifications/progress': { eras: 'legacy', why: 'reports on a request of the server' },
  'notifications/roots/list_changed': {
    eras: 'legacy',
    why: 'says that an answer to the server is out of date',
  },
  'notifications/tasks/status': { eras: 'legacy', why: 'reports on a task the server asked for' },
  'server/discover': { eras: 'modern', why: 'says which revisions the server speaks' },
  'subscriptions/listen': {
    eras: 'modern',
    why: 'tells that lists changed; each resource in it is decided by itself',
  },
  'tools/list': { eras: 'both', why: 'shows what the rules allow' },
  'prompts/list': { eras: 'both', why: 'shows what the rules allow' },
  'resources/list': { eras: 'both', why: 'shows what the rules allow' },
  'resources/templates/list': { eras: 'both', why: 'shows what the rules allow' },
};

type Eras = 'legacy' | 'modern' | 'both';

const names: ReadonlySet<string> = new Set(Object.keys(openMethods));

export function isOpenMethod(method: string): boolean {
  return names.has(method);
}
