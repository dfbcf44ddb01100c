/** The page's style sheet: light or dark as the reader's system is; fonts that are there. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #1b2430; --faint: #5b6675; --line: #b4bdca; --band: #e8ecf2;
  --derp: #b45309; --peer-relay: #0f766e; --direct: #1d4ed8; --bad: #b91c1c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f141b; --card: #182029; --ink: #e6ebf2; --faint: #9aa7b8; --line: #4b5a6d; --band: #1d2733;
    --derp: #fbbf24; --peer-relay: #2dd4bf; --direct: #7aa2ff; --bad: #f87171;
  }
}
.via-DERP { --accent: var(--derp); }
.via-peer-relay { --accent: var(--peer-relay); }
.chip-example { --accent: var(--faint); }
.via-direct { --accent: var(--direct); }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; }
main { max-width: 1288px; min-width: 900px; margin: 0 auto; padding: 24px 28px 32px; }
h1 { font-size: 23px; line-height: 1.3; margin: 0 0 4px; }
h2 { font-size: 17px; line-height: 1.3; margin: 26px 0 2px; }
h2 span { color: var(--accent); }
p { margin: 0 0 12px; color: var(--faint); }
code { font: 13px/1.5 "DejaVu Sans Mono", ui-monospace, Menlo, Consolas, monospace; color: var(--ink); }
.ping { display: flex; flex-wrap: wrap; gap: 0 28px; }
pre { margin: 4px 0 0; padding: 10px 14px; background: var(--card); border: 1px solid var(--line); border-radius: 10px; white-space: pre-wrap; overflow-wrap: anywhere; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 12px "DejaVu Sans Mono", ui-monospace, Menlo, Consolas, monospace; fill: var(--ink); }
svg text.title { font-weight: 700; }
svg text.label { font: 11px system-ui, "DejaVu Sans", sans-serif; fill: var(--faint); }
svg text.good { fill: var(--peer-relay); }
svg text.bad { fill: var(--bad); }
svg text.chip-text { font-weight: 700; fill: var(--card); }
.band { fill: var(--band); }
.box { fill: var(--card); stroke: var(--line); stroke-width: 1.25; }
.on-path { stroke: var(--accent); stroke-width: 2; }
.none { fill: none; stroke-dasharray: 5 5; }
.link { fill: none; stroke: var(--line); stroke-width: 1.5; }
.idle { fill: var(--card); stroke: var(--line); stroke-width: 1.5; }
.halo { fill: none; stroke: var(--accent); stroke-width: 12; opacity: 0.16; }
.live { fill: none; stroke: var(--accent); stroke-width: 4; stroke-linecap: round; }
.end, .stop { fill: var(--card); stroke: var(--accent); stroke-width: 4; }
.chip { fill: var(--accent); }
ul { display: flex; flex-wrap: wrap; gap: 6px 28px; margin: 22px 0 0; padding: 0; list-style: none; color: var(--faint); }
li { display: flex; align-items: center; gap: 9px; }
li svg { width: 34px; height: 16px; flex: none; }
`;
