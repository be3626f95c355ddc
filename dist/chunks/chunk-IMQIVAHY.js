import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{e3 as adviceLine,e181 as clockTime,e190 as GITHUB,e191 as artifactsLink,e193 as bold,e194 as code,e195 as details,e198 as plain,e200 as table}from"../chunks/common.js";
var marks={passed:"\u2705",warning:"\u26A0\uFE0F",failed:"\u26D4",undecided:"\u2754"},names={passed:"Passed",failed:"Failed",undecided:"Undecided"},lacking={data:"Data are missing: see that the source answers, and run it again.",traffic:"There was too little traffic for an answer: watch for longer, or let `must-detect` be a larger rate.",certainty:"The data leave it open: watch for longer."};function renderGate(report,server=GITHUB){let{verdict,warning,reason,next,by,warnings}=report;return`${[`## ${verdict?`${marks[warning?"warning":verdict]} Gate: ${names[verdict].toLowerCase()}${warning?", with a warning":""}`:"\u26D4 Gate: no answer"}

${bold(reason)}`,next===void 0?report.lacks?lacking[report.lacks]:"":`### What to do next

- ${adviceLine(next)}`,checkTable(report.checks),warnings.length===0?"":warnings.map(({text})=>`- \u26A0\uFE0F ${plain(text)}`).join(`
`),asked(report.checks),`<sub>${[`by ${plain(by)}`,...artifactsLink(by,server)].join(" \xB7 ")}</sub>`].filter(part=>part!=="").join(`

`)}
`}function checkTable(all){if(all.length===0)return"";let rows=all.map(({name,state,sentence})=>[marks[state],code(name),plain(sentence)]);return table(["","Check","What was measured"],rows)}function asked(all){if(all.length===0)return"";let lines=all.flatMap(({name,asked:question,evidence,gaps})=>[`- ${code(name)}: ${code(question)}${evidence===void 0?"":`<br>${plain(evidence)}`}`,...gaps.map(({from,to,reason})=>`  - no data from ${code(clockTime(from))} to ${code(clockTime(to))}: ${plain(reason)}`)]);return details("What was asked (times in UTC)",lines.join(`
`))}export{renderGate,checkTable};
