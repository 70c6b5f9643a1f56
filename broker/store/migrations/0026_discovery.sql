-- Which types and attributes there are (GS CIM 009, 5.7.5 to 5.7.10), without a look at every entity.
--
-- Entities with the same types and the same attributes have one shape. A city has some hundreds of shapes, so that
-- counting entities by shape answers everything.

create table shape (
    no          integer generated always as identity primary key,
    key         text not null unique,      -- md5 of types and attributes
    types       text[] not null,
    attributes  text[] not null            -- 'IRI kind', with ' +' where the attribute has several instances
);

-- Written by store/shapes.py; shape 0 is an entity with too many attributes to share its shape with another one.
create table entity_shape (
    entity  bigint primary key,            -- entity.no
    tenant  integer not null,
    shape   integer not null
);
create index entity_shape_tenant on entity_shape (tenant, shape);

create function forget_shape() returns trigger language plpgsql as $$
begin
    delete from entity_shape where entity = old.no;
    return null;
end $$;
create trigger entity_deleted after update on entity for each row
    when (old.deleted_at is null and new.deleted_at is not null) execute function forget_shape();
create trigger entity_erased after delete on entity for each row execute function forget_shape();

-- what was there before this migration
create temporary table found on commit drop as
select e.no, e.tenant, array(select t from unnest(e.types) t order by t collate "C") as types, a.attributes,
       md5(array_to_string(array(select t from unnest(e.types) t order by t collate "C"), E'\n') || E'\n\n'
           || array_to_string(a.attributes, E'\n')) as key,
       (select count(*) from jsonb_object_keys(e.attributes)) as width
from entity e
cross join lateral (
    select array(
        select distinct (k || ' ' || (i ->> 'type') || case when jsonb_array_length(v) > 1 then ' +' else '' end)
                        collate "C" as told
        from jsonb_each(e.attributes) as each(k, v), jsonb_array_elements(v) as i
        order by told) as attributes) a
where e.deleted_at is null;
insert into shape (key, types, attributes)
select distinct on (key) key, types, attributes from found where width <= 64 order by key;
insert into entity_shape (entity, tenant, shape)
select f.no, f.tenant, coalesce(s.no, 0) from found f left join shape s on s.key = f.key;
