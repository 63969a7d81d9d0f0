/** PutObject, DeleteObject, GetObject, HeadObject. */
import { checkRead, writeCondition } from '../s3/conditions';
import { attributesOf, checksumHeaders, objectHeaders, quoted, validators } from '../s3/object-headers';
import { checkVersionId } from '../s3/query-parameters';
import { checkSupported } from '../s3/unsupported-headers';
import { sliceOf, sliceHeaders } from '../s3/slice';
import type { ObjectStore, PutOptions, WriteCondition } from '../store/object-store';
import { emptyResponse, existingBucket, existingObject, type Handlers } from './handler';
import type { Receive } from './receive';
import { sendObject } from './send-object';

type ObjectHandlers = Pick<Handlers, 'PutObject' | 'GetObject' | 'HeadObject' | 'DeleteObject'>;

export function objectRoutes(store: ObjectStore, receive: Receive): ObjectHandlers {
  return {
    async PutObject(c, { bucket, key }) {
      const { headers } = c.var;
      checkSupported(headers);
      const attributes = attributesOf(headers);
      const options = putOptions(writeCondition(headers));
      await existingBucket(store, bucket);
      const info = await receive(c, (body) => store.put({ bucket, key }, body, attributes, options));
      return emptyResponse(c, 200, { etag: quoted(info.etag), ...checksumHeaders(info) });
    },

    async GetObject(c, { bucket, key, query }) {
      checkVersionId(query);
      const object = await store.open({ bucket, key });
      const { info } = object;
      if (checkRead(c.var.headers, info) === 'not-modified') return emptyResponse(c, 304, validators(info));
      const slice = sliceOf(info, c.var.headers.range, query);
      const headers = { ...objectHeaders(info, query), ...sliceHeaders(info, slice, c.var.headers) };
      return sendObject(c, slice.partial ? 206 : 200, headers, object.read(slice.range));
    },

    async HeadObject(c, { bucket, key, query }) {
      checkVersionId(query);
      const info = await existingObject(store, { bucket, key });
      if (checkRead(c.var.headers, info) === 'not-modified') return emptyResponse(c, 304, validators(info));
      const slice = sliceOf(info, c.var.headers.range, query);
      const headers = { ...objectHeaders(info, query), ...sliceHeaders(info, slice, c.var.headers) };
      return emptyResponse(c, slice.partial ? 206 : 200, headers);
    },

    async DeleteObject(c, { bucket, key, query }) {
      checkVersionId(query);
      await store.delete({ bucket, key }, putOptions(writeCondition(c.var.headers)));
      return emptyResponse(c, 204);
    },
  };
}

export function putOptions(condition: WriteCondition | undefined): PutOptions {
  return condition ? { condition } : {};
}
