"""Run by Alembic: the migrations happen in the transaction that the store opened."""

from alembic import context

from dragoman.store.migrations import TABLE
from dragoman.store.schema import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=TABLE,
    transactional_ddl=False,  # the caller's transaction is the one that counts, on SQLite too
    render_as_batch=True,
)
context.run_migrations()
