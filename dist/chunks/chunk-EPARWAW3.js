import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
const styleText=globalThis.process.getBuiltinModule("node:util").styleText;
import{singleLine}from"./chunk-DXIUOSH7.js";function createPaint({colour}){return(style,text)=>colour&&style!==void 0?styleText(style,text,{validateStream:!1}):text}function oneLine(text){return withoutCommands(singleLine(text))}function annotationText(text){return text.split(`
`).map(singleLine).join(`
`)}var esc=String.fromCodePoint(27),colourOrInvisible=new RegExp(`(${esc}\\[[\\d;]*m)|[\\p{Cc}\\p{Cf}]`,"gu");function withoutCommands(line){return line.replaceAll(/[\t\r\n\u2028\u2029]+/g," ").replaceAll(colourOrInvisible,(_,colour="")=>colour).replaceAll("##[","## [").replace(/^(\s*):(?=:)/,"$1: ")}export{createPaint,oneLine,annotationText,withoutCommands};
