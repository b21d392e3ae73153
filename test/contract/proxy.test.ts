import { HAPROXY_VERSIONS } from '../kit/haproxy.ts';
import { proxyContract } from './proxy.contract.ts';
import { haproxyLab } from './proxy-lab.ts';

for (const version of HAPROXY_VERSIONS) proxyContract(`HAProxy ${version}`, () => haproxyLab(version));
