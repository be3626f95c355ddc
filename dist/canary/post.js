import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a as o}from"../chunks/chunk-YQZJRZKR.js";import"../chunks/chunk-VOSC5CKJ.js";if(o(process.env)){let{canaryPost:s}=await import("../chunks/canary-job-OQ6ZSHWT.js");await s(process.env)}
