"""The connection to SQLite or PostgreSQL: transactions, ids, bulk inserts, errors."""
