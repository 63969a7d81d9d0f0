import { MemoryStore } from '../../../gateway/store/memory-store';
import { objectStoreContract } from '../../contract/object-store';

objectStoreContract('MemoryStore', () => Promise.resolve({ store: new MemoryStore() }));
