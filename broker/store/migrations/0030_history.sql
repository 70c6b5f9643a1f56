-- What history needs besides its rows.

-- Series that an entity's current attributes do not show: deleted attributes, and the scope, kept as an attribute.
create table past_series (
    entity     bigint not null,
    attribute  integer not null,
    dataset    integer not null,
    primary key (entity, attribute, dataset)
);

-- What an entity was until an instant: its types, and whether it was there. Written when either changes, so that
-- the entity's own row says what holds since the last one.
create table life (
    entity      bigint not null,
    until       timestamptz not null,
    types       text[] not null,
    created_at  timestamptz not null,
    deleted     boolean not null,
    primary key (entity, until)
);

-- Deleted entities are found too when history is asked.
create index entity_deleted_page on entity (tenant, no) where deleted_at is not null;
create index entity_deleted_types on entity using gin (types) where deleted_at is not null;

-- Both grow with the order of writing, so that a few bytes per block are enough to find an instance or a time.
create index history_written on history using brin (instance, modified_at) with (pages_per_range = 16, autosummarize = on);

-- Forms b and a: what counts as a number in an aggregation stands in the column number.
update history set form = 'b', number = (json = 'true')::integer, json = null
where form = 'j' and type = 0 and jsonb_typeof(json) = 'boolean';
update history set form = 'a', number = jsonb_array_length(json)
where form = 'j' and type in (0, 5) and jsonb_typeof(json) = 'array';

-- A history row in the form that entity.attributes holds instances in, for the filters of queries.
create function instance_json(h history) returns jsonb language sql stable parallel safe
return coalesce(h.members, '{}')
    || jsonb_build_object(
        'type', ('{Property,Relationship,GeoProperty,LanguageProperty,VocabProperty,ListProperty,ListRelationship,JsonProperty}'::text[])[h.type + 1],
        ('{value,object,value,languageMap,vocab,valueList,objectList,json}'::text[])[h.type + 1],
        case h.form when 'f' then to_jsonb(h.number) when 'i' then to_jsonb(h.number) when 't' then to_jsonb(h.text)
                    when 'b' then to_jsonb(h.number = 1) else h.json end,
        'createdAt', to_char(h.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'modifiedAt', to_char(h.modified_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
    || case when h.observed
            then jsonb_build_object('observedAt', to_char(h.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
            else '{}' end
    || case when h.unit_code is not null then jsonb_build_object('unitCode', h.unit_code) else '{}' end;
