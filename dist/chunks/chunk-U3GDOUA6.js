import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

function thinned(measured,most,kindOf){let[first,newest]=[measured[0],measured.at(-1)];if(!first||!newest||measured.length<=most)return measured;let share=2**Math.ceil(Math.log2(Math.max(1,newest.at-first.at)/(most/3)));return[...Map.groupBy(measured,one=>`${Math.floor((one.at-first.at)/share)} ${kindOf(one)}`).values()].flatMap(group=>group.slice(-1)).toSorted((a,b)=>a.at-b.at)}export{thinned};
