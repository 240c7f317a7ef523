/** A DNS command as a user would write one: `MANAGEMENT_URL present|cleanup RECORD VALUE`, against pebble-challtestsrv. */
const [management = '', action, record = '', value] = process.argv.slice(2);
const [path, body] =
  action === 'present' ? ['set-txt', { host: `${record}.`, value }] : ['clear-txt', { host: `${record}.` }];
const response = await fetch(`${management}/${path}`, { method: 'POST', body: JSON.stringify(body) });
if (!response.ok) throw new Error(`${path} was answered ${response.status}`);
