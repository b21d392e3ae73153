import { describe } from 'vitest';
import { providerContract } from './provider.contract.ts';
import { fleetContract } from './provider-fleet.contract.ts';
import { listenersContract } from './provider-listeners.contract.ts';
import { observationContract } from './provider-observation.contract.ts';
import { fixtures } from './store-fixtures.ts';

describe.each(fixtures)('the provider contract on $name: writing', ({ start }) => {
  providerContract(start);
});

describe.each(fixtures)('the provider contract on $name: seeing', ({ start }) => {
  observationContract(start);
});

describe.each(fixtures)('the provider contract on $name: lost hosts', ({ start }) => {
  fleetContract(start);
});

describe.each(fixtures)('the provider contract on $name: listeners', ({ start }) => {
  listenersContract(start);
});
