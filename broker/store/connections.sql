-- name: allowed
-- a limit of -1 is none; no limit but the server's holds for a superuser
select least(
    current_setting('max_connections')::int - case when not role.rolsuper
        then current_setting('superuser_reserved_connections')::int else 0 end,
    case when not role.rolsuper then nullif(database.datconnlimit, -1) end,
    case when not role.rolsuper then nullif(role.rolconnlimit, -1) end
)
from pg_database as database, pg_roles as role
where database.datname = current_database() and role.rolname = current_user
