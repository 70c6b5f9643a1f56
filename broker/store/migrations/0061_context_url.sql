-- The identifier of a fetched @context follows from its URL, so one index that knows it is enough. With two, writers of one
-- new @context at the same time can meet in the one that "on conflict" does not look at, and fail.

drop index context_url;
create index context_url on context (tenant, url) where url is not null;
