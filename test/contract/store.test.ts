import { describe } from 'vitest';
import { storeContract } from './store.contract.ts';
import { fixtures } from './store-fixtures.ts';

describe.each(fixtures)('the store contract on $name', ({ start }) => {
  storeContract(start);
});
