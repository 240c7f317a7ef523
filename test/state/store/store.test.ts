import { describeStore } from './store-contract.ts';
import { createMemoryFixture, createSqliteFixture } from './stores.ts';

describeStore('memory', createMemoryFixture);
describeStore('SQLite', createSqliteFixture);
