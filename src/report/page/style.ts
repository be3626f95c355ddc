/**
 * The style of the pages. Arms differ by dashes, markers and labels as well as by colour; every text has a contrast of at least
 * 4.5 to 1 in both schemes.
 */
export const style = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --panel: #f6f8fa; --text: #1f2328; --quiet: #57606a; --rule: #d0d7de;
  --good: #116329; --bad: #a40e26; --wait: #7d4e00; --link: #0550ae;
  --stable: #0550ae; --canary: #953800; --gap: #6e7781;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0d1117; --panel: #161b22; --text: #f0f6fc; --quiet: #a5aeb8; --rule: #3d444d;
    --good: #56d364; --bad: #ff8f88; --wait: #e3b341; --link: #79c0ff;
    --stable: #79c0ff; --canary: #ffa657; --gap: #8b949e;
  }
}
* { box-sizing: border-box }
body {
  margin: 0 auto; padding: 1rem; max-width: 66rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 2rem 0 .5rem; padding-bottom: .25rem; border-bottom: 1px solid var(--rule) }
h3 { font-size: 1.0625rem; margin: 1.5rem 0 .25rem }
p { margin: .5rem 0 }
a { color: var(--link) }
code, pre { font: .875em/1.45 ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace }
code { padding: .1em .3em; border-radius: 4px; background: var(--panel); unicode-bidi: isolate }
pre { margin: .5rem 0; padding: .75rem; border: 1px solid var(--rule); border-radius: 6px; background: var(--panel); white-space: pre-wrap }
.verdict { border: 1px solid var(--rule); border-left: .5rem solid var(--quiet); border-radius: 6px; padding: 1rem; background: var(--panel) }
.verdict.good { border-left-color: var(--good) } .verdict.good h1 { color: var(--good) }
.verdict.bad { border-left-color: var(--bad) } .verdict.bad h1 { color: var(--bad) }
.verdict.wait { border-left-color: var(--wait) } .verdict.wait h1 { color: var(--wait) }
.subject { font-size: 1.125rem; font-weight: 600; margin: 0 0 .5rem }
.reason { font-size: 1.0625rem; margin: 0 }
.quiet, caption, footer { color: var(--quiet) }
.state { font-weight: 600; white-space: nowrap }
.state.good { color: var(--good) } .state.bad { color: var(--bad) } .state.wait { color: var(--wait) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 1rem 0 0 }
dt { color: var(--quiet) } dd { margin: 0; unicode-bidi: isolate }
ul, ol { margin: .5rem 0; padding-left: 1.5rem } li { margin: .25rem 0 }
ol.times { list-style: none; padding: 0 }
ol.times li { display: grid; grid-template-columns: 5.5rem 6.5rem 1fr; gap: .5rem; padding: .125rem 0; border-bottom: 1px solid var(--rule) }
ol.times time { font-variant-numeric: tabular-nums; color: var(--quiet) }
details { margin: .5rem 0 } summary { cursor: pointer; color: var(--link); padding: .25rem 0 }
.scroll { overflow-x: auto; margin: .5rem 0 }
.scroll:focus-visible, summary:focus-visible, a:focus-visible { outline: 3px solid var(--link); outline-offset: 2px }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; overflow-wrap: normal }
caption { text-align: left; padding: .25rem 0 }
th, td { text-align: left; vertical-align: top; padding: .375rem .75rem .375rem 0; border-bottom: 1px solid var(--rule); font-weight: 400; unicode-bidi: isolate }
thead th { color: var(--quiet); white-space: nowrap } tbody th { font-weight: 600 }
td .long { display: block; min-width: 14rem; max-width: 34rem; overflow-wrap: anywhere }
figure { margin: .5rem 0 1rem } figcaption { color: var(--quiet); font-size: .9375rem }
svg { display: block; width: 100%; height: auto }
svg.narrow { display: none }
svg text { font-size: 13px; fill: var(--quiet) }
svg .end { text-anchor: end } svg .middle { text-anchor: middle }
svg .title { fill: var(--text); font-weight: 600 }
svg .grid { stroke: var(--rule); stroke-width: 1 }
svg .step { stroke: var(--quiet); stroke-width: 1; stroke-dasharray: 2 4 }
svg .line { fill: none; stroke-width: 2; stroke-linejoin: round }
svg .canary.line { stroke: var(--canary) } svg text.canary { fill: var(--canary); font-weight: 600 }
svg .stable.line { stroke: var(--stable); stroke-dasharray: 6 4 } svg text.stable { fill: var(--stable); font-weight: 600 }
svg .limit.line { stroke: var(--bad); stroke-dasharray: 10 3 2 3 } svg text.limit { fill: var(--bad); font-weight: 600 }
svg .canary.dot { fill: var(--canary) } svg .stable.dot { fill: var(--page); stroke: var(--stable); stroke-width: 2 }
svg .limit.dot { fill: var(--bad) }
svg .canary.band { fill: var(--canary); fill-opacity: .18 } svg .stable.band { fill: var(--stable); fill-opacity: .18 }
svg .area { fill: var(--canary); fill-opacity: .18 }
svg .breach { stroke: var(--bad); stroke-width: 2.5 } svg text.breach { stroke: none; fill: var(--bad); font-weight: 600 }
svg .span { fill: var(--wait); fill-opacity: .13 }
svg .gap { stroke: var(--gap); stroke-width: 1.5 } svg .void { fill: var(--panel) } svg text.gaps { fill: var(--text) }
footer { margin: 2rem 0 1rem; padding-top: .5rem; border-top: 1px solid var(--rule); font-size: .875rem }
@media (max-width: 40rem) {
  body { padding: .5rem } .verdict { padding: .75rem } h1 { font-size: 1.375rem }
  table { width: max-content; min-width: 100% }
  svg.wide { display: none } svg.narrow { display: block }
  dl { grid-template-columns: 1fr; gap: 0 } dd { margin: 0 0 .5rem }
  ol.times li { grid-template-columns: 5.5rem 1fr } ol.times li > :last-child { grid-column: 1 / -1 }
}
@media print {
  :root {
    --page: #ffffff; --panel: #ffffff; --text: #000000; --quiet: #333333; --rule: #999999;
    --good: #000000; --bad: #000000; --wait: #000000; --link: #000000; --stable: #000000; --canary: #000000; --gap: #333333;
  }
  body { max-width: none; padding: 0; font-size: 10pt }
  .scroll { overflow: visible } figure, tr, li { break-inside: avoid } h2, h3 { break-after: avoid }
}
`;
