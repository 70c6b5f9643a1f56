-- Where things are, and what questions ask for: narrow tables beside `entity`, for an index on its document would
-- make every update of it write all its indexes anew. Both follow `entity` in the transaction that changes it.

-- Every geometry of every GeoProperty of every live entity, exactly.
create table place (
    entity     bigint not null,                    -- entity.no
    attribute  text not null,                      -- IRI
    shape      geometry(Geometry, 4326) not null   -- made valid
);
create index place_entity on place (entity);
create index place_near on place using gist ((shape::geography));
create index place_shape on place using gist (shape);

-- Paths into `attributes` that q has asked for: only those are indexed, so what nobody asks for costs nothing.
create table asked_path (
    no         smallint generated always as identity primary key,
    kind       "char" not null,                    -- n number, s string, t instant
    attribute  text not null,                      -- IRI of the attribute it begins with
    path       text not null,                      -- from there on, the signature of `paths`
    paths      jsonpath[] not null,                -- to each place where its values can be
    ready      boolean not null default false,     -- whether the entities of before are in
    unique (kind, attribute, path)
);

-- A value found at such a path, as a number that is close enough to look it up: what is found is tested again.
create table fact (
    path    smallint not null,
    key     double precision not null,             -- the number, a hash of the string, seconds since 1970
    entity  bigint not null                        -- entity.no
) with (autovacuum_vacuum_scale_factor = 0.02);
create index fact_key on fact (path, key, entity);

create function places_of(attributes jsonb) returns table (attribute text, shape geometry)
language sql immutable parallel safe
begin atomic
    select a.key, shape_of(i -> 'value')
    from jsonb_each(attributes) a cross join jsonb_array_elements(a.value) i
    where i ->> 'type' = 'GeoProperty' and jsonb_typeof(i -> 'value') = 'object';
end;

create function fact_keys(attributes jsonb, kind "char", paths jsonpath[]) returns double precision[]
language sql stable parallel safe
return (
    select coalesce(array_agg(distinct case kind
        when 'n' then (v #>> '{}')::double precision
        when 's' then hashtext(v #>> '{}')::double precision
        else extract(epoch from (v #>> '{}')::timestamptz)::double precision
    end), '{}')
    from unnest(paths) p cross join jsonb_path_query(attributes, p, '{}', true) v
);

-- What goes is looked up by key and deleted by place in the file: the statistics of tables that have just been filled
-- must not tempt the planner into reading all of them.
create function follow_entities() returns trigger language plpgsql set enable_seqscan = off as $$
declare
    geometries constant jsonpath := '$.*[*] ? (@.type == "GeoProperty").value';
begin
    if tg_op = 'INSERT' then
        insert into place select n.no, p.* from new_rows n cross join places_of(n.attributes) p
        where n.attributes @? geometries;
        insert into fact select a.no, k, n.no from new_rows n cross join asked_path a
        cross join unnest(fact_keys(n.attributes, a.kind, a.paths)) k where n.attributes ? a.attribute;
        return null;
    end if;
    with moved as materialized (
        select n.no, n.attributes from new_rows n join old_rows o on o.no = n.no
        where jsonb_path_query_array(n.attributes, geometries) is distinct from
              jsonb_path_query_array(o.attributes, geometries)
    ), gone as (delete from place where entity = any(array(select no from moved)))
    insert into place select m.no, p.* from moved m cross join places_of(m.attributes) p;
    with changed as materialized (
        select n.no, a.no as path, fact_keys(o.attributes, a.kind, a.paths) as before,
               fact_keys(n.attributes, a.kind, a.paths) as after
        from asked_path a cross join (new_rows n join old_rows o on o.no = n.no)
        where (n.attributes -> a.attribute) is distinct from (o.attributes -> a.attribute)
    ), gone as (
        delete from fact where ctid = any(array(
            select f.ctid from changed c cross join unnest(c.before) k cross join lateral (
                select ctid from fact f where f.path = c.path and f.key = k and f.entity = c.no offset 0
            ) f where k <> all (c.after)))
    )
    insert into fact select c.path, k, c.no from changed c cross join unnest(c.after) k where k <> all (c.before);
    return null;
end $$;

create trigger follow_created after insert on entity referencing new table as new_rows
for each statement execute function follow_entities();
create trigger follow_updated after update on entity referencing old table as old_rows new table as new_rows
for each statement execute function follow_entities();

insert into place select e.no, p.* from entity e cross join places_of(e.attributes) p where e.deleted_at is null;
drop index entity_near;
