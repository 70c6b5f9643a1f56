-- The @contexts that the broker keeps (GS CIM 009, 5.13): hosted for clients, fetched ones, and compounds of its own.

create table context (
    tenant      integer not null references tenant on delete cascade,
    id          text not null,                     -- the local identifier, a URI
    kind        text not null check (kind in ('Hosted', 'Cached', 'ImplicitlyCreated')),
    url         text,                              -- where a fetched one came from
    body        json not null,                     -- the value of "@context"; json, for the order of terms is kept
    created_at  timestamptz not null,
    expires_at  timestamptz,                       -- from then on a fetched one is looked at again
    last_usage  timestamptz,
    hits        bigint not null default 0,
    primary key (tenant, id),
    check ((kind = 'Cached') = (url is not null))
);
create unique index context_url on context (tenant, url) where url is not null;
