"""What the report's page adds to the style of every page: verdicts, budgets, distributions."""

STYLE = """
:root { --bar: #86b6ef; --band: #f3ecd6; --good: #0a6b2e; --bad: #b3261e; --open: #8a5a00; --void: #5c5b57; }
@media (prefers-color-scheme: dark) { :root {
  --bar: #35608f; --band: #38321f; --good: #5fd38a; --bad: #ff8a80; --open: #e6b450; --void: #b0afa9; } }
td:last-child { min-width: 20ch; }
.chip { display: inline-block; padding: 0 8px; border: 1px solid; border-radius: 9px; font-weight: 600;
  white-space: nowrap; }
.pass { color: var(--good); } .fail { color: var(--bad); }
.inconclusive { color: var(--open); } .invalid { color: var(--void); }
.bar { fill: var(--bar); } .band { fill: var(--band); }
.budget { stroke: var(--open); stroke-width: 1.5; stroke-dasharray: 2 3; }
.median { stroke: var(--ink); stroke-width: 1.5; } .p90 { stroke: var(--s1); stroke-width: 2.5; }
.interval { stroke: var(--s1); stroke-width: 4; }
"""
