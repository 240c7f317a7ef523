import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formsOf, type Answer, type AuthBrowser, type PageForm } from '../../support/auth-browser.ts';
import {
  authorizePath,
  createPkce,
  loopbackClient,
  loopbackRedirect,
  startAuthRig,
  type AuthRig,
} from '../../support/auth-server-rig.ts';

let rig: AuthRig;
beforeAll(async () => {
  rig = await startAuthRig();
});
afterAll(() => rig.close());

const credentials = { name: 'alice', password: 'correct horse' };
const other = { client_id: loopbackClient, redirect_uri: loopbackRedirect };

function formOf(page: Answer, ending: string): PageForm {
  const form = formsOf(page).find(({ action }) => action.endsWith(ending));
  if (form === undefined) throw new Error(`no form ${ending}`);
  return form;
}

async function openLogin(changes = {}): Promise<{ readonly browser: AuthBrowser; readonly page: Answer }> {
  const browser = rig.browser();
  return {
    browser,
    page: await browser.visit({ path: authorizePath(createPkce(), { prompt: 'consent', ...changes }) }),
  };
}

async function openConsent(changes = {}): Promise<{ readonly browser: AuthBrowser; readonly page: Answer }> {
  const { browser, page } = await openLogin(changes);
  return { browser, page: await browser.submit(page, '/password', credentials) };
}

const refused = { status: 403, error: 'invalid_form', location: undefined };

function outcomeOf({ status, text, headers }: Answer): unknown {
  return { status, error: /Error: (\w+)/.exec(text)?.[1], location: headers['location'] };
}

it('control: the forms that all of these bend lead to a code', async () => {
  const { browser, page } = await openConsent();
  const { location } = await browser.submit(page, '/consent');
  expect(location?.searchParams.get('code')).toEqual(expect.any(String));
});

describe('T24: forged forms (CSRF)', () => {
  it.each([
    ['no token', { token: '' }],
    ['made-up token', { token: 'x'.repeat(43) }],
    ['longer token', { token: 'x'.repeat(4000) }],
  ])('consent, %s', async (_name, fields) => {
    const { browser, page } = await openConsent();
    const form = formOf(page, '/consent');
    expect(outcomeOf(await browser.ask({ path: form.action, form: { ...form.fields, ...fields } }))).toEqual(
      refused,
    );
  });

  it('consent without any field, or by a GET', async () => {
    const { browser, page } = await openConsent();
    const { action, fields } = formOf(page, '/consent');
    expect(outcomeOf(await browser.ask({ method: 'POST', path: action }))).toEqual(refused);
    const query = new URLSearchParams(fields).toString();
    const read = await browser.ask({ path: `${action}?${query}` });
    expect(formsOf(read).length).toBeGreaterThan(0);
    expect(read.headers['location']).toBeUndefined();
  });

  it('consent forged across clients: the token of one client does not count for another', async () => {
    const { browser, page } = await openConsent();
    const second = await browser.visit({ path: authorizePath(createPkce(), other) });
    const stolen = formOf(page, '/consent').fields;
    expect(outcomeOf(await browser.ask({ path: formOf(second, '/consent').action, form: stolen }))).toEqual(
      refused,
    );
  });

  it('consent with the token of another form of the same page', async () => {
    const { browser, page } = await openConsent();
    const { action } = formOf(page, '/consent');
    expect(outcomeOf(await browser.ask({ path: action, form: formOf(page, '/deny').fields }))).toEqual(
      refused,
    );
  });

  it('consent with a token from before the login', async () => {
    const { browser, page } = await openLogin();
    const early = formOf(page, '/deny').fields;
    const consent = await browser.submit(page, '/password', credentials);
    expect(outcomeOf(await browser.ask({ path: formOf(consent, '/deny').action, form: early }))).toEqual(
      refused,
    );
  });

  it('consent of somebody else: the token of one person does not count for the next', async () => {
    const { page } = await openConsent();
    const { browser, page: mine } = await openConsent();
    expect(
      outcomeOf(
        await browser.ask({ path: formOf(mine, '/consent').action, form: formOf(page, '/consent').fields }),
      ),
    ).toEqual(refused);
  });

  it.each(['cross-site', 'same-site', 'none'])('consent from a page that is %s', async (site) => {
    const { browser, page } = await openConsent();
    const { action, fields } = formOf(page, '/consent');
    const headers = { 'sec-fetch-site': site };
    expect(outcomeOf(await browser.ask({ path: action, form: fields, headers }))).toEqual(refused);
  });

  it.each(['text/plain', 'application/json', 'multipart/form-data; boundary=x'])(
    'consent as %s',
    async (type) => {
      const { browser, page } = await openConsent();
      const { action, fields } = formOf(page, '/consent');
      const body = new URLSearchParams(fields).toString();
      expect(outcomeOf(await browser.ask({ path: action, body, headers: { 'content-type': type } }))).toEqual(
        refused,
      );
    },
  );

  it('consent with a field that comes twice', async () => {
    const { browser, page } = await openConsent();
    const { action, fields } = formOf(page, '/consent');
    const form = new URLSearchParams(fields);
    form.append('token', fields['token'] ?? '');
    expect(outcomeOf(await browser.ask({ path: action, form }))).toEqual(refused);
  });

  it('login-csrf: a password form without the token', async () => {
    const { browser, page } = await openLogin();
    expect(
      outcomeOf(await browser.ask({ path: formOf(page, '/password').action, form: credentials })),
    ).toEqual(refused);
  });
});

describe('T24: steps out of order', () => {
  it('consent before the login', async () => {
    const { browser, page } = await openLogin();
    const { action, fields } = formOf(page, '/deny');
    for (const step of ['consent', 'switch']) {
      expect(outcomeOf(await browser.ask({ path: action.replace(/deny$/, step), form: fields }))).toEqual(
        refused,
      );
    }
  });

  it('the way back before the login asks for it again', async () => {
    const { browser, page } = await openLogin();
    const uid = formOf(page, '/deny').action.split('/').at(-2) ?? '';
    const answer = await browser.visit({ path: `/oauth/authorize/${uid}` });
    expect(answer.location).toBeUndefined();
    expect(answer.text).toContain('Sign in to connect');
  });

  it('the way back before the consent asks for it again', async () => {
    const { browser, page } = await openConsent();
    const uid = formOf(page, '/deny').action.split('/').at(-2) ?? '';
    const answer = await browser.visit({ path: `/oauth/authorize/${uid}` });
    expect(answer.location).toBeUndefined();
    expect(answer.text).toContain('Allow Example App');
  });

  it('a consent counts once', async () => {
    const { browser, page } = await openConsent();
    await browser.submit(page, '/consent');
    const { action, fields } = formOf(page, '/consent');
    const again = await browser.ask({ path: action, form: fields });
    expect(again.status).toBe(400);
    expect(again.text).toContain('This sign-in has ended');
  });

  it('a form of a step that is over', async () => {
    const { browser, page } = await openLogin();
    const { action, fields } = formOf(page, '/password');
    await browser.submit(page, '/password', credentials);
    const again = await browser.ask({ path: action, form: { ...fields, ...credentials } });
    expect(again.status).toBe(400);
  });
});

describe('T24: flows of others', () => {
  it.each([
    ['page', ''],
    ['form', '/consent'],
  ])('the %s of a flow, in a browser without its cookie', async (_name, ending) => {
    const { page } = await openConsent();
    const { action, fields } = formOf(page, '/consent');
    const path = action.replace(/\/consent$/, ending);
    const answer = await rig.browser().ask(ending === '' ? { path } : { path, form: fields });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('This sign-in has ended');
  });

  it('session-fixation: a cookie that is not signed does not count', async () => {
    const { page } = await openLogin();
    const uid = formOf(page, '/deny').action.split('/').at(-2) ?? '';
    const victim = rig.browser();
    for (const name of [`__Host-bw-interaction.${uid}`, 'bw-interaction', 'bw-resume'])
      victim.setCookie(name, uid);
    victim.setCookie(`__Host-bw-interaction.${uid}.sig`, 'x'.repeat(27));
    expect((await victim.visit({ path: `/oauth/interaction/${uid}` })).status).toBe(400);
    expect((await victim.visit({ path: `/oauth/authorize/${uid}` })).status).toBe(400);
  });

  it('cookies of one flow do not open another', async () => {
    const first = await openLogin();
    const second = await openLogin();
    const [mine = '', theirs = ''] = [first, second].map(
      ({ page }) => formOf(page, '/deny').action.split('/').at(-2) ?? '',
    );
    const { browser } = first;
    for (const name of [`__Host-bw-interaction.${mine}`, `__Host-bw-interaction.${mine}.sig`]) {
      browser.setCookie(name.replace(mine, theirs), browser.cookies.get(name) ?? '');
    }
    const answer = await browser.visit({ path: `/oauth/interaction/${theirs}` });
    expect(answer.status).toBe(400);
  });

  it('the way back in another browser ends with nothing', async () => {
    const { page } = await openConsent();
    const uid = formOf(page, '/consent').action.split('/').at(-2) ?? '';
    const answer = await rig.browser().visit({ path: `/oauth/authorize/${uid}` });
    expect(answer.status).toBe(400);
    expect(answer.location).toBeUndefined();
  });

  it('consent-spoofing: what a client calls itself is text', async () => {
    const name = '</dd><script>alert(1)</script>" onload="x\u202Eevil';
    const body = JSON.stringify({
      redirect_uris: ['https://app.example.com/x'],
      client_name: name,
      token_endpoint_auth_method: 'none',
    });
    const { json } = await rig.ask({ path: '/oauth/register', body });
    const changes = { client_id: String(json['client_id']), redirect_uri: 'https://app.example.com/x' };
    const { page } = await openConsent(changes);
    expect(page.body).not.toContain('<script');
    expect(page.body).not.toContain('\u202E');
    expect(page.text).toContain('<script>alert(1)</script>');
    expect(page.text).toContain('Nobody has verified this app');
  });
});

it('T24: not one token came of all this', () => {
  expect(rig.events.filter(({ kind }) => kind === 'token-issued')).toEqual([]);
  expect(rig.events.filter(({ kind }) => kind === 'error')).toEqual([]);
});
