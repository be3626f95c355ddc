import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{h as n,i as e,j as p}from"./chunk-OGMRUO5Y.js";import{a as t}from"./chunk-VOSC5CKJ.js";function f(r){return{info:t(o=>n(r(o)),"info"),startGroup:t(o=>e(r(o)),"startGroup"),endGroup:p}}t(f,"runnerLog");export{f as a};
