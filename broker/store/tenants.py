"""Tenants and names, each known by a number."""

from collections.abc import Iterable

from broker.store.db import Database


async def tenant_no(database: Database, name: str, *, create: bool = False) -> int | None:
    """The number of tenant `name` ('' is the default one); None when it does not exist and is not created."""
    known = database.tenants.get(name)
    if known is not None:
        return known
    if create:
        await database.writers.execute("insert into tenant (name) values ($1) on conflict do nothing", name)
    no: int | None = await database.readers.fetchval("select no from tenant where name = $1", name)
    if no is not None:
        database.tenants[name] = no
    return no


async def learn_terms(database: Database, iris: Iterable[str]) -> None:
    """Make every IRI of `iris` known in `database.terms`."""
    missing = sorted({iri for iri in iris if iri not in database.terms})
    if not missing:
        return
    await database.writers.execute("insert into term (iri) select unnest($1::text[]) on conflict do nothing", missing)
    for row in await database.writers.fetch("select no, iri from term where iri = any($1::text[])", missing):
        database.terms[row["iri"]] = row["no"]
        database.term_iris[row["no"]] = row["iri"]


async def known_terms(database: Database, numbers: Iterable[int]) -> dict[int, str]:
    """The IRIs of term numbers."""
    missing = [no for no in set(numbers) if no and no not in database.term_iris]
    if missing:
        for row in await database.readers.fetch("select no, iri from term where no = any($1::integer[])", missing):
            database.terms[row["iri"]] = row["no"]
            database.term_iris[row["no"]] = row["iri"]
    return database.term_iris


async def find_terms(database: Database, iris: Iterable[str]) -> None:
    """Make those IRIs of `iris` that the database knows known in `database.terms`."""
    missing = [iri for iri in iris if iri not in database.terms]
    if missing:
        for row in await database.readers.fetch("select no, iri from term where iri = any($1::text[])", missing):
            database.terms[row["iri"]] = row["no"]
            database.term_iris[row["no"]] = row["iri"]
