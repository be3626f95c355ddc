import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a as o}from"../chunks/chunk-YQZJRZKR.js";import"../chunks/chunk-VOSC5CKJ.js";if(o(process.env)){let{helmPost:s}=await import("../chunks/job-TIJKGO4V.js");await s(process.env)}
