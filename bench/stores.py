# SPDX-License-Identifier: ISC
"""Back ends for bench/run, filled with client keys: servers of their own in a temporary folder, ended with the block."""

import base64
import contextlib
import glob
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading

SLAPD = """include /etc/ldap/schema/core.schema
attributetype ( 1.1.2.1 NAME 'zmqKey' EQUALITY caseExactIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
objectclass ( 1.1.2.2 NAME 'zmqUser' SUP top AUXILIARY MAY ( zmqKey $ uid ) )
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload syncprov
database mdb
suffix dc=bench
rootdn cn=root,dc=bench
rootpw root
directory data
maxsize 268435456
dbnosync
index objectClass,zmqKey,uid eq
access to * by * read
overlay syncprov
"""

LDAP_SETTINGS = """    base = "dc=bench"
    key-attribute = zmqKey
"""


def as_user(name):
    """PostgreSQL refuses to run as root."""
    return {"user": name, "group": name, "extra_groups": []} if os.geteuid() == 0 else {}


def quiet(arguments, **more):
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)


@contextlib.contextmanager
def server(arguments, ready, stop, **more):
    """Runs a server whose standard error says `ready` when it is."""
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, **more)
    try:
        for line in process.stderr:
            if ready in line:
                break
        else:
            raise RuntimeError(f"{arguments[0]} does not start")
        threading.Thread(target=process.stderr.read, daemon=True).start()  # it may go on talking
        yield
    finally:
        process.send_signal(stop)
        process.wait()


@contextlib.contextmanager
def files(folder, ironauth, keys):
    del ironauth
    store = os.path.join(folder, "certificates")
    os.mkdir(store)
    for index, key in enumerate(keys):
        with open(os.path.join(store, f"{index}.key"), "w", encoding="ascii") as file:
            file.write(f'metadata\n    name = "{index}"\ncurve\n    public-key = "{key}"\n')
    yield "files:" + store, ""


@contextlib.contextmanager
def sqlite(folder, ironauth, keys):
    path = os.path.join(folder, "auth.db")
    quiet([ironauth, "init", "sqlite:" + path])
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.executemany("INSERT INTO keys (key, owner) VALUES (?, ?)", ((key, str(i)) for i, key in enumerate(keys)))
    yield "sqlite:" + path, ""


@contextlib.contextmanager
def postgresql(folder, ironauth, keys):
    programs = max(glob.glob("/usr/lib/postgresql/*/bin"))
    place = os.path.join(folder, "postgresql")
    os.mkdir(place)
    if os.geteuid() == 0:
        shutil.chown(place, "postgres", "postgres")
    quiet([f"{programs}/initdb", "-D", f"{place}/data", "-U", "owner", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"],
          cwd=place, **as_user("postgres"))
    command = [f"{programs}/postgres", "-D", f"{place}/data", "-k", place, "-c", "listen_addresses=", "-c", "fsync=off"]
    with server(command, "ready to accept connections", signal.SIGINT, cwd=place, **as_user("postgres")):
        url = f"postgresql:host={place} user=owner dbname=postgres"
        quiet([ironauth, "init", url])
        rows = "".join(f"{key}\t{index}\n" for index, key in enumerate(key.replace("\\", "\\\\") for key in keys))
        quiet([f"{programs}/psql", "-X", "-q", "-h", place, "-U", "owner", "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-c",
               "COPY ironauth.keys (key, owner) FROM STDIN"], input=rows.encode())
        yield url, ""


@contextlib.contextmanager
def ldap(folder, ironauth, keys):
    del ironauth
    place = os.path.join(folder, "ldap")
    os.makedirs(os.path.join(place, "data"))
    with open(os.path.join(place, "slapd.conf"), "w", encoding="ascii") as file:
        file.write(SLAPD)
    with open(os.path.join(place, "entries"), "w", encoding="ascii") as file:
        file.write("dn: dc=bench\nobjectClass: dcObject\nobjectClass: organization\no: bench\ndc: bench\n\n")
        for index, key in enumerate(keys):
            value = base64.b64encode(key.encode()).decode()  # a key may begin as a value in LDIF may not
            file.write(f"dn: uid={index},dc=bench\nobjectClass: device\nobjectClass: zmqUser\ncn: {index}\nuid: {index}\n"
                       f"zmqKey:: {value}\n\n")
    # Where AppArmor confines slapd, that is by its path.
    shutil.copy("/usr/sbin/slapd", os.path.join(place, "slapd"))
    quiet(["./slapd", "-T", "add", "-q", "-f", "slapd.conf", "-l", "entries"], cwd=place)
    url = "ldapi://" + place.replace("/", "%2f") + "%2fsocket"
    with server(["./slapd", "-f", "slapd.conf", "-d", "none", "-h", url], "slapd starting", signal.SIGINT, cwd=place):
        yield url, LDAP_SETTINGS


STORES = {"files": files, "SQLite": sqlite, "PostgreSQL": postgresql, "LDAP": ldap}


@contextlib.contextmanager
def configuration(name, ironauth, keys):
    """The path of a configuration whose domain "bench" asks this back end, which knows these keys."""
    folder = tempfile.mkdtemp(prefix="bench-")
    os.chmod(folder, 0o755)
    try:
        with STORES[name](folder, ironauth, keys) as (url, settings):
            path = os.path.join(folder, "ironauth.conf")
            with open(path, "w", encoding="ascii") as file:
                file.write(f'backend\n    name = store\n    url = "{url}"\n{settings}'
                           'domain\n    name = "bench"\n    curve = store\n')
            yield path
    finally:
        shutil.rmtree(folder)
