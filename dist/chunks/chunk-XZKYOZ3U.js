import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{looseObject,string}from"./chunk-FE7MMVEF.js";var condition=looseObject({type:string(),status:string(),reason:string().default(""),message:string().default("")});export{condition};
