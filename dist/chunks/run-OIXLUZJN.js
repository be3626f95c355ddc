import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{run}from"./chunk-KV5XQPXQ.js";import"./chunk-7GWNL2G3.js";import"./chunk-GMPZKE4Q.js";import"./chunk-CF6ID735.js";import"./chunk-2T6QYE3U.js";import"./chunk-TBGFB355.js";import"./chunk-4NYOG3UM.js";import"./chunk-S4DEFMS7.js";export{run};
