-- What a notification needs of a change besides: by which brokers the change came here, so that it does not go round
-- in circles, and when the entity expires.
alter table log add column via text, add column expires_at timestamptz;

drop function write_changes(
    integer[], bigint[], text[], boolean[], boolean[], text[], text[], text[], json[], bytea[],
    timestamptz[], timestamptz[], timestamptz[], text[], json[]);

-- As in 0002_write.sql, with p_via.
create function write_changes(
    p_tenant integer[], p_no bigint[], p_id text[], p_fresh boolean[], p_final boolean[], p_operation text[],
    p_types text[], p_scopes text[], p_attributes json[], p_location bytea[],
    p_created_at timestamptz[], p_modified_at timestamptz[], p_expires_at timestamptz[],
    p_touched text[], p_before json[], p_via text[]
) returns boolean language plpgsql as $$
declare
    wanted bigint;
    made bigint;
begin
    insert into entity (tenant, no, id, types, scopes, attributes, location, created_at, modified_at, expires_at, deleted_at)
    select c.tenant, c.no, c.id, string_to_array(c.types, E'\n'), string_to_array(c.scopes, E'\n'),
           coalesce(c.attributes::jsonb, '{}'), ST_GeomFromEWKB(c.location), c.created_at, c.modified_at, c.expires_at,
           case when c.operation = 'delete' then c.modified_at end
    from unnest(p_tenant, p_no, p_id, p_fresh, p_final, p_operation, p_types, p_scopes, p_attributes, p_location,
                p_created_at, p_modified_at, p_expires_at)
      as c(tenant, no, id, fresh, final, operation, types, scopes, attributes, location,
           created_at, modified_at, expires_at)
    where c.final and c.fresh
    order by c.tenant, c.id
    on conflict (tenant, id) do nothing;
    get diagnostics made = row_count;
    select count(*) into wanted from unnest(p_fresh, p_final) as c(fresh, final) where c.fresh and c.final;
    if made < wanted then
        return false;
    end if;

    update entity e
    set types = string_to_array(c.types, E'\n'), scopes = string_to_array(c.scopes, E'\n'),
        attributes = coalesce(c.attributes::jsonb, '{}'), location = ST_GeomFromEWKB(c.location),
        created_at = c.created_at, modified_at = c.modified_at, expires_at = c.expires_at,
        deleted_at = case when c.operation = 'delete' then c.modified_at end
    from unnest(p_tenant, p_id, p_fresh, p_final, p_operation, p_types, p_scopes, p_attributes, p_location,
                p_created_at, p_modified_at, p_expires_at)
      as c(tenant, id, fresh, final, operation, types, scopes, attributes, location,
           created_at, modified_at, expires_at)
    where c.final and not c.fresh and e.tenant = c.tenant and e.id = c.id;

    perform pg_advisory_xact_lock(1026);
    insert into log (tenant, entity, id, operation, types, scopes, attributes, created_at, modified_at, expires_at,
                     touched, before, via)
    select c.tenant, c.no, c.id, c.operation, string_to_array(c.types, E'\n'), string_to_array(c.scopes, E'\n'),
           c.attributes, c.created_at, c.modified_at, c.expires_at, string_to_array(c.touched, E'\n'), c.before, c.via
    from unnest(p_tenant, p_no, p_id, p_operation, p_types, p_scopes, p_attributes, p_created_at, p_modified_at,
                p_expires_at, p_touched, p_before, p_via) with ordinality
      as c(tenant, no, id, operation, types, scopes, attributes, created_at, modified_at,
           expires_at, touched, before, via, place)
    order by c.place;
    perform pg_notify('log', '');
    return true;
end $$;
