/** Which handler answers which operation. */
import type { GatewayContext } from '../env';
import { S3Error } from '../errors';
import type { Operation } from '../s3/operation';
import type { ObjectStore } from '../store/object-store';
import { configurationRoutes } from './bucket-configuration';
import { bucketRoutes } from './buckets';
import { copyRoutes } from './copy';
import { deleteObjectsRoutes } from './delete-objects';
import type { Handler, Handlers } from './handler';
import { listRoutes } from './list-objects';
import { multipartRoutes } from './multipart';
import { multipartListRoutes } from './multipart-lists';
import { objectAttributesRoutes } from './object-attributes';
import { objectRoutes } from './objects';
import { receivers } from './receive';
import type { MemoryBudget } from '../s3/memory-budget';

export function operationHandlers(store: ObjectStore, memoryBudget: MemoryBudget): Handlers {
  const { receive, receiveText, hold } = receivers(memoryBudget);
  return {
    ...bucketRoutes(store),
    ...configurationRoutes(store),
    ...listRoutes(store),
    ...objectRoutes(store, receive),
    ...objectAttributesRoutes(store),
    ...deleteObjectsRoutes(store, receiveText),
    ...copyRoutes(store, hold),
    ...multipartRoutes(store, receive, receiveText),
    ...multipartListRoutes(store),
  };
}

/** Rejects with `NotImplemented` for what has no handler. */
export function dispatch(handlers: Handlers, c: GatewayContext, operation: Operation): Promise<Response> {
  if (operation.type === 'NotImplemented') return Promise.reject(new S3Error('NotImplemented'));
  // The table pairs each type with the operation that its handler takes; TypeScript cannot follow that through the lookup.
  const handler = handlers[operation.type] as Handler<typeof operation.type>;
  return handler(c, operation as never);
}
