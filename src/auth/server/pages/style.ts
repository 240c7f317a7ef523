/** The style of all pages. System fonts and no pictures: nothing is loaded from anywhere. */
export const style: string = `
:root{color-scheme:light dark;--page:#f3f5f7;--card:#fff;--ink:#15202b;--soft:#4c5a67;--line:#d3dae1;--edge:#76838f;--brand:#0a5a6e;--on-brand:#fff;--hint:#eef3f6;--warn:#fff4d6;--warn-ink:#5a3d00;--warn-line:#d9a520;--bad:#fdecea;--bad-ink:#8a1c13;--bad-line:#cf4a3e}
@media(prefers-color-scheme:dark){:root{--page:#0f151b;--card:#18212a;--ink:#e8eef3;--soft:#a9b7c3;--line:#2e3a45;--edge:#7d8c99;--brand:#7cd0e4;--on-brand:#06222b;--hint:#202b35;--warn:#362c10;--warn-ink:#ffdf94;--warn-line:#a37e1d;--bad:#3a1916;--bad-ink:#ffb9b1;--bad-line:#b0483e}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;align-items:center;background:var(--page);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;padding:1rem;overflow-wrap:anywhere}
main{width:100%;max-width:27rem;margin:auto 0;background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1.75rem}
@media(max-width:30rem){body{padding:0}main{margin:0;border:0;border-radius:0;min-height:100vh;min-height:100dvh;max-width:none;padding:1.5rem 1.25rem}}
.host{margin:0 0 1.25rem;color:var(--soft);font-size:.875rem}
h1{margin:0 0 .5rem;font-size:1.375rem;line-height:1.3;font-weight:650;text-wrap:balance}
h2{margin:1.5rem 0 .5rem;font-size:1rem;font-weight:650}
p{margin:0 0 1rem}
.soft{color:var(--soft)}
dl.client{margin:1rem 0;padding:.875rem 1rem;background:var(--hint);border-radius:.5rem;display:grid;grid-template-columns:auto 1fr;gap:.25rem .875rem;font-size:.9375rem}
dl.client dt{color:var(--soft)}
dl.client dd{margin:0;font-weight:550}
ul{margin:0 0 1rem;padding:0;list-style:none}
ul.scopes li{padding:.5rem 0;border-bottom:1px solid var(--line)}
ul.scopes li:last-child{border:0}
ul.scopes code{display:block;color:var(--soft);font-size:.8125rem}
.note{margin:1rem 0;padding:.75rem 1rem;border-left:.25rem solid var(--warn-line);border-radius:.25rem;background:var(--warn);color:var(--warn-ink);font-size:.9375rem}
.note.bad{border-color:var(--bad-line);background:var(--bad);color:var(--bad-ink)}
.note p{margin:0}
label{display:block;margin:1rem 0 .25rem;font-weight:550}
input{width:100%;min-height:2.875rem;padding:.5rem .75rem;font:inherit;color:inherit;background:var(--card);border:1px solid var(--edge);border-radius:.5rem}
input.code{font:1.375rem ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.15em;text-transform:uppercase}
.hint{margin:.25rem 0 0;color:var(--soft);font-size:.875rem}
button{display:block;width:100%;min-height:2.875rem;margin-top:.75rem;padding:.5rem 1rem;font:inherit;font-weight:600;border:1px solid var(--edge);border-radius:.5rem;background:transparent;color:inherit;cursor:pointer}
button.main{background:var(--brand);border-color:var(--brand);color:var(--on-brand)}
button.main{margin-top:1.25rem}
a{color:var(--brand)}
:focus-visible{outline:3px solid var(--brand);outline-offset:2px}
.or{display:flex;align-items:center;gap:.75rem;margin:1.25rem 0 .5rem;color:var(--soft);font-size:.875rem}
.or::before,.or::after{content:"";flex:1;border-top:1px solid var(--line)}
form.quiet button{border-color:transparent;color:var(--soft);font-weight:500}
@media(hover:hover){button:hover{filter:brightness(1.08)}form.quiet button:hover{text-decoration:underline}}
`.trim();
