/** The look of the status page: both colour schemes, from a phone's width up. Contrast of text is 4.5 to 1 and more. */
import { createHash } from 'node:crypto';

export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f5f4f0; --card: #ffffff; --ink: #1d2226; --quiet: #5a636b; --line: #dedcd4;
  --accent: #1f6f78; --good: #1e7a4a; --standby: #4a5d8f; --attention: #96590a; --down: #b3261e;
  --shade: 0 1px 2px rgb(30 34 38 / 6%), 0 6px 20px rgb(30 34 38 / 5%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14181b; --card: #1d2327; --ink: #e9ecee; --quiet: #9fabb3; --line: #323a40;
    --accent: #63bcc6; --good: #6ccb95; --standby: #9db2e6; --attention: #eab45c; --down: #f2877e;
    --shade: none;
  }
}
* { box-sizing: border-box; margin: 0; }
body {
  max-width: 68rem; margin: 0 auto; padding: 1rem clamp(1rem, 4vw, 2.5rem) 2.5rem;
  background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif;
}
a { color: var(--accent); text-underline-offset: 0.15em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.quiet { color: var(--quiet); font-size: 0.875rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
header { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline; gap: 0 1rem; }
.brand { font-weight: 700; letter-spacing: 0.01em; }
.brand::before { content: ''; display: inline-block; width: 0.7em; height: 0.7em; margin-right: 0.5em; border-radius: 0.2em; background: var(--accent); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shade); }
.headline { display: flex; gap: 1rem; align-items: flex-start; margin: 1.75rem 0 1.5rem; --tone: var(--good); }
.headline.standby { --tone: var(--standby); }
.headline.attention { --tone: var(--attention); }
.headline.down { --tone: var(--down); }
.mark { flex: none; width: 2.75rem; height: 2.75rem; }
.mark circle { fill: var(--tone); }
.mark path { fill: none; stroke: var(--ground); stroke-width: 2.6; stroke-linecap: round; stroke-linejoin: round; }
h1 { font-size: clamp(1.6rem, 5vw, 2.2rem); line-height: 2.75rem; letter-spacing: -0.02em; }
.headline ul { margin-top: 0.35rem; padding-left: 1.1rem; max-width: 62ch; }
.headline li + li { margin-top: 0.25rem; }
.facts { display: grid; grid-template-columns: repeat(var(--columns, 1), minmax(0, 1fr)); gap: 0.75rem; }
@media (min-width: 30rem) { .facts { --columns: 2; } }
@media (min-width: 56rem) { .facts { --columns: 4; } }
.facts > div { padding: 0.9rem 1.1rem; }
dt { color: var(--quiet); font-size: 0.8125rem; font-weight: 600; }
dd { font-size: 1.0625rem; font-weight: 600; }
dd.quiet { margin-top: 0.15rem; font-size: 0.8125rem; font-weight: 400; }
h2 { margin-top: 2rem; font-size: 1.25rem; }
.legend { margin-bottom: 0.75rem; }
.count { color: var(--quiet); font-weight: 400; }
.empty { margin-top: 0.75rempadding: 2rem 1.25rem; border: 1px dashed var(--line); border-radius: 12px; color: var(--quiet); text-align: center; }
.volumes { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 0.75rem; padding: 0; list-style: none; align-items: start; }
.volume { padding: 1rem 1.1rem; min-width: 0; }
h3 { font-size: 0.9375rem; overflow-wrap: anywhere; }
.age { margin-top: 0.1rem; }
.chart { display: block; width: 100%; height: auto; margin-top: 0.5rem; overflow: visible; }
.bar { fill: var(--accent); }
.bar.unknown { fill: none; stroke: var(--accent); }
.base { stroke: var(--quiet); stroke-width: 1; }
.week { stroke: var(--line); stroke-width: 1; }
.axis { display: flex; justify-content: space-between; font-size: 0.75rem; }
.note { display: flex; gap: 0.5rem; align-items: baseline; margin-top: 0.5rem; font-size: 0.875rem; }
.note.attention { color: var(--attention); display: block; }
.dot { flex: none; width: 0.6rem; height: 0.6rem; border-radius: 50%; background: var(--good); animation: pulse 1.6s ease-in-out infinite; }
@keyframes pulse { 50% { opacity: 0.3; } }
@media (prefers-reduced-motion: reduce) { .dot { animation: none; } }
details { margin-top: 0.6rem; border-top: 1px solid var(--line); padding-top: 0.5rem; font-size: 0.875rem; }
summary { cursor: pointer; color: var(--accent); padding: 0.3rem 0; }
table { width: 100%; border-collapse: collapse; margin-top: 0.25rem; font-size: 0.8125rem; }
th, td { padding: 0.25rem 0.5rem 0.25rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
tr:last-child > * { border-bottom: 0; }
tbody th { font-weight: 400; overflow-wrap: anywhere; }
thead th { color: var(--quiet); font-weight: 600; }
.figure { padding-right: 0; text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
footer { margin-top: 2.5rem; }
@media (forced-colors: active) { .bar { fill: CanvasText; } .mark circle { fill: CanvasText; } .mark path { stroke: Canvas; } }
`;

/** Nothing is loaded from anywhere, no script runs, and no other page may frame it. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
