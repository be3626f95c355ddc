import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

function xychart({height,colours,lines}){return["```mermaid","---","config:","  xyChart:","    width: 900",`    height: ${height}`,"  themeVariables:","    xyChart:",`      plotColorPalette: "${colours.join(", ")}"`,"---","xychart-beta",...lines.map(line=>`    ${line}`),"```"].join(`
`)}function decimal(value){return String(Number(value.toFixed(3)))}export{xychart,decimal};
