import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{h as n,i as e,ia as p,j as i}from"./chunk-T4YQTHXP.js";import{a as o}from"./chunk-PO2BW2DC.js";function c(m){let r=o(t=>p(m(t)),"clean");return{info:o(t=>n(r(t)),"info"),startGroup:o(t=>e(r(t)),"startGroup"),endGroup:i}}o(c,"runnerLog");export{c as a};
