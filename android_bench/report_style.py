"""The style of the report's page: colours by role, given twice, for light and dark."""

STYLE = """
:root { color-scheme: light dark;
  --page: #fcfcfb; --ink: #1a1a19; --quiet: #5c5b57; --rule: #e3e2dd; --bar: #86b6ef; --band: #f3ecd6;
  --s0: #2a78d6; --s1: #c2410c; --s2: #0f766e; --s3: #7c3aed; --s4: #a16207; --s5: #be185d;
  --good: #0a6b2e; --bad: #b3261e; --open: #8a5a00; --void: #5c5b57; }
@media (prefers-color-scheme: dark) { :root {
  --page: #1a1a19; --ink: #f2f1ed; --quiet: #b0afa9; --rule: #3a3936; --bar: #35608f; --band: #38321f;
  --s0: #6fa8f0; --s1: #fb923c; --s2: #2dd4bf; --s3: #b794f6; --s4: #e3b341; --s5: #f472b6;
  --good: #5fd38a; --bad: #ff8a80; --open: #e6b450; --void: #b0afa9; } }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 26px; margin: 0; } h2 { font-size: 18px; margin: 36px 0 8px; }
.lead, li, p { color: var(--quiet); max-width: 80ch; } ul { padding-left: 20px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 6px 10px 6px 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { color: var(--quiet); font-weight: 500; white-space: nowrap; }
td { overflow-wrap: break-word; } td:last-child { min-width: 20ch; }
.chip { display: inline-block; padding: 0 8px; border: 1px solid; border-radius: 9px; font-weight: 600;
  white-space: nowrap; }
.pass { color: var(--good); } .fail { color: var(--bad); }
.inconclusive { color: var(--open); } .invalid { color: var(--void); }
svg { display: block; width: 100%; height: auto; margin: 8px 0; }
svg text { fill: var(--quiet); font-size: 11.5px; } svg text.label { fill: var(--ink); }
.grid { stroke: var(--rule); } .bar { fill: var(--bar); } .band { fill: var(--band); }
.budget { stroke: var(--open); stroke-width: 1.5; stroke-dasharray: 2 3; }
.median { stroke: var(--ink); stroke-width: 1.5; } .p90 { stroke: var(--s1); stroke-width: 2.5; }
.interval { stroke: var(--s1); stroke-width: 4; }
.line { fill: none; stroke-width: 2; } .point { stroke: var(--page); stroke-width: 2; }
.paper { fill: none; stroke: var(--quiet); stroke-width: 1.5; stroke-dasharray: 5 4; }
.paper-point { fill: var(--page); stroke: var(--quiet); stroke-width: 1.5; }
""" + "\n".join(
    f".line.series-{place} {{ stroke: var(--s{place}); }} .point.series-{place} {{ fill: var(--s{place}); }}"
    for place in range(6)
)
