#!/bin/sh
# Run once, by PostgreSQL's image, in an empty data folder: a database and a role for each of the two, and neither
# role may enter the other's database. Jobs know the store's password only.
set -eu
psql --username "${POSTGRES_USER:-postgres}" --dbname postgres --set ON_ERROR_STOP=1 <<'SQL'
\getenv store STORE_PASSWORD
\getenv mlflow MLFLOW_DATABASE_PASSWORD
CREATE ROLE dragoman LOGIN PASSWORD :'store';
CREATE ROLE mlflow LOGIN PASSWORD :'mlflow';
CREATE DATABASE dragoman OWNER dragoman;
CREATE DATABASE mlflow OWNER mlflow;
REVOKE CONNECT ON DATABASE dragoman, mlflow, postgres FROM PUBLIC;
SQL
