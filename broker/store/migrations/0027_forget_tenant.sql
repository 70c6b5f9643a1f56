-- Everything of one tenant goes, from every table that names a tenant or an entity, those of later migrations included.
create function forget_tenant(p_tenant integer) returns void language plpgsql as $$
declare
    place record;
begin
    perform from tenant where no = p_tenant for update;  -- who would create something for it now waits, and is refused
    create temporary table gone on commit drop as select no from entity where tenant = p_tenant;
    for place in
        select c.table_name, c.column_name
        from information_schema.columns c
        join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name
        where c.table_schema = 'public' and t.table_type = 'BASE TABLE' and c.table_name <> 'entity'
          and c.column_name in ('entity', 'tenant')
        order by c.column_name, c.table_name
    loop
        if place.column_name = 'entity' then
            execute format('delete from %I where entity in (select no from gone)', place.table_name);
        else
            execute format('delete from %I where tenant = $1', place.table_name) using p_tenant;
        end if;
    end loop;
    delete from entity where tenant = p_tenant;
    delete from tenant where no = p_tenant;
end $$;
