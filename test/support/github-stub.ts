/** GitHub's three endpoints behind a `fetch`, for one user. */
export function createGithub(user: {
  readonly login: string;
  readonly orgs: readonly string[];
}): typeof fetch {
  return async (input, init) => {
    const asking = new Request(input, init);
    const url = new URL(asking.url);
    const token = asking.headers.get('authorization');
    if (url.href === 'https://github.com/login/oauth/access_token') {
      const form = new URLSearchParams(await asking.text());
      const isRight = form.get('client_secret') === 'of-the-gateway' && form.get('code') === 'good';
      return Response.json(
        isRight ? { access_token: 'gho_x', token_type: 'bearer' } : { error: 'bad_verification_code' },
      );
    }
    if (url.host !== 'api.github.com' || token !== 'Bearer gho_x')
      return new Response(undefined, { status: 401 });
    if (url.pathname === '/user') return Response.json({ login: user.login, id: 4711 });
    if (url.pathname === '/user/orgs') return Response.json(user.orgs.map((login) => ({ login })));
    return new Response(undefined, { status: 404 });
  };
}
