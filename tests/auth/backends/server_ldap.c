/* SPDX-License-Identifier: ISC */
#include "server_ldap.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { ATTEMPTS = 20, PORT_LEAST = 20000, PORT_MOST = 32000 /* below those that the system gives away */ };

enum { NAME_IN_DN = 100 /* octets; back-mdb takes no very long ones */ };

static const char config[] = "include /etc/ldap/schema/core.schema\n"
                             "include /etc/ldap/schema/cosine.schema\n"
                             "include /etc/ldap/schema/inetorgperson.schema\n"
                             "attributetype ( 1.1.2.1 NAME 'zmqKey' EQUALITY caseExactIA5Match"
                             " SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )\n"
                             "objectclass ( 1.1.2.2 NAME 'zmqUser' SUP top AUXILIARY MAY zmqKey )\n"
                             "modulepath /usr/lib/ldap\n"
                             "moduleload back_mdb\n"
                             "moduleload syncprov\n"
                             "moduleload ppolicy\n"
                             "threads 4\n"
                             "allow bind_anon_dn\n" /* as careless as some are */
                             "%s"
                             "database mdb\n"
                             "suffix dc=test\n"
                             "rootdn cn=root,dc=test\n"
                             "rootpw root\n"
                             "directory %s/data\n"
                             "maxsize 33554432\n"
                             "dbnosync\n"
                             "index objectClass,uid,zmqKey eq\n"
                             "access to attrs=userPassword by dn.exact=\"" LDAP_TEST_SERVICE "\" %s"
                             " by anonymous auth by * none\n"
                             "access to * by dn.exact=\"" LDAP_TEST_SERVICE "\" read by * none\n"
                             "overlay ppolicy\n"
                             "ppolicy_default cn=policy,dc=test\n"
                             "%s";

static const char tls[] = "TLSCertificateFile %s/server.pem\n"
                          "TLSCertificateKeyFile %s/server.key\n"
                          "TLSCACertificateFile %s/ca.pem\n";

static const char tree[] = "dn: dc=test\nobjectClass: dcObject\nobjectClass: organization\no: test\ndc: test\n\n"
                           "dn: ou=people,dc=test\nobjectClass: organizationalUnit\nou: people\n\n"
                           "dn: ou=groups,dc=test\nobjectClass: organizationalUnit\nou: groups\n\n"
                           "dn: cn=policy,dc=test\nobjectClass: device\nobjectClass: pwdPolicy\ncn: policy\n"
                           "pwdAttribute: userPassword\npwdMaxAge: 1000000000\n\n"
                           "dn: " LDAP_TEST_SERVICE "\nobjectClass: organizationalRole\n"
                           "objectClass: simpleSecurityObject\ncn: service\nuserPassword: service secret\n\n"
                           "dn: " LDAP_TEST_GROUP "\nobjectClass: groupOfNames\ncn: staff\nmember: cn=nobody\n\n";

static const char *find_slapd(void)
{
    static const char *const paths[] = {"/usr/sbin/slapd", "/usr/lib/openldap/slapd", "/usr/libexec/slapd"};

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (access(paths[i], X_OK) == 0)
            return paths[i];
    }
    return NULL;
}

bool directory_is_there(void)
{
    return find_slapd() && access("/usr/bin/ldapmodify", X_OK) == 0 && access("/usr/bin/openssl", X_OK) == 0 &&
           keeper_can("nobody");
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static const char *path_of(const struct directory *directory, const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof path, "%s/%s", directory->folder, name);
    return path;
}

static void write_file(struct directory *directory, const char *name, const char *text)
{
    FILE *file = fopen(path_of(directory, name), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int shell(const struct directory *directory, const char *command)
{
    const char *const argv[] = {"/bin/sh", "-c", command, NULL};

    return keeper_run(&directory->spec, argv);
}

/* A certificate of a CA's of their own, valid as long as a test lasts and for the clocks of all. */
static void make_certificates(struct directory *directory)
{
    static const char command[] =
        "set -e; new='openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'\n"
        "$new -x509 -days 3650 -subj /CN=ca -keyout ca.key -out ca.pem\n"
        "$new -subj /CN=server -keyout server.key -out server.csr\n"
        "printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' > names\n"
        "openssl x509 -req -days 3650 -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names"
        " -out server.pem\n"
        "$new -x509 -days 3650 -subj /CN=ca -keyout other.key -out other.pem\n";

    assert_int_equal(shell(directory, command), 0);
}

static void write_config(struct directory *directory, unsigned flags)
{
    char secure[512] = "";
    char whole[4096];

    if (flags & DIRECTORY_TLS)
        (void)snprintf(secure, sizeof secure, tls, directory->folder, directory->folder, directory->folder);
    (void)snprintf(whole, sizeof whole, config, secure, directory->folder, flags & DIRECTORY_OPEN ? "read" : "none",
                   flags & DIRECTORY_SILENT ? "" : "overlay syncprov\n");
    write_file(directory, "slapd.conf", whole);
    write_file(directory, "password", "service secret\n");
}

/* Two ports in a row that are free just now. */
static int find_ports(void)
{
    for (;;) {
        int port = PORT_LEAST + (int)randombytes_uniform(PORT_MOST - PORT_LEAST);
        int free_ports = 0;

        for (int i = 0; i < 2; i++) {
            const struct sockaddr_in address = {.sin_family = AF_INET,
                                                .sin_port = htons((uint16_t)(port + i)),
                                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
            int fd = socket(AF_INET, SOCK_STREAM, 0);

            free_ports += bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
            (void)close(fd);
        }
        if (free_ports == 2)
            return port;
    }
}

static void write_urls(struct directory *directory, unsigned flags)
{
    char urls[512];
    int size = snprintf(urls, sizeof urls, "%s", directory->url);

    directory->port = flags & DIRECTORY_TLS ? find_ports() : 0;
    if (directory->port)
        (void)snprintf(urls + size, sizeof urls - (size_t)size,
                       " ldap://127.0.0.1:%1$d ldaps://127.0.0.1:%2$d ldap://127.0.0.2:%1$d ldaps://127.0.0.2:%2$d",
                       directory->port, directory->port + 1);
    write_file(directory, "urls", urls);
}

/* "/" is written as an URL wants it. */
static void name_socket(struct directory *directory)
{
    char *to = directory->url + sprintf(directory->url, "ldapi://");

    for (const char *from = directory->folder; *from; from++)
        to += sprintf(to, *from == '/' ? "%%2f" : "%c", *from);
    (void)strcpy(to, "%2fsocket");
}

/* --- the directory ------------------------------------------------------------------------------------------------ */

static void start(struct directory *directory, unsigned flags)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        write_urls(directory, flags);
        if (keeper_try(&directory->keeper))
            return;
    }
    fail_msg("slapd does not start: %s/log", directory->folder);
}

/* The program is copied: where AppArmor confines it, that is by its path. */
void directory_open(struct directory *directory, unsigned flags)
{
    const char *slapd = find_slapd();
    char command[256];

    memset(directory, 0, sizeof *directory);
    keeper_folder(&directory->spec, directory->folder, sizeof directory->folder, "nobody");
    assert_int_equal(chmod(directory->folder, 0755), 0);
    name_socket(directory);
    (void)snprintf(directory->password_file, sizeof directory->password_file, "%s/password", directory->folder);
    (void)snprintf(directory->ca_file, sizeof directory->ca_file, "%s/ca.pem", directory->folder);
    (void)snprintf(command, sizeof command, "mkdir data && cp %s slapd", slapd);
    assert_int_equal(shell(directory, command), 0);
    if (flags & DIRECTORY_TLS)
        make_certificates(directory);
    write_config(directory, flags);
    directory->argv[0] = "/bin/sh";
    directory->argv[1] = "-c";
    directory->argv[2] = "exec ./slapd -f slapd.conf -d none -h \"$(cat urls)\"";
    directory->spec.argv = directory->argv;
    directory->spec.ready = "slapd starting";
    directory->spec.stop_signal = SIGINT;
    (void)snprintf(directory->socket, sizeof directory->socket, "%s/socket", directory->folder);
    directory->spec.socket = directory->socket;
    keeper_open(&directory->keeper, &directory->spec);
    start(directory, flags);
    assert_true(directory_change(directory, tree));
}

void directory_load(struct directory *directory, const char *ldif)
{
    write_file(directory, "many", ldif);
    keeper_stop(&directory->keeper);
    assert_int_equal(shell(directory, "./slapd -Tadd -q -f slapd.conf -l many"), 0);
    keeper_start(&directory->keeper);
}

void directory_reset(struct directory *directory)
{
    keeper_stop(&directory->keeper);
    assert_int_equal(shell(directory, "rm -rf data && mkdir data"), 0);
    keeper_start(&directory->keeper);
    assert_true(directory_change(directory, tree));
}

void directory_close(struct directory *directory)
{
    keeper_close(&directory->keeper);
}

bool directory_change(struct directory *directory, const char *ldif)
{
    const char *const argv[] = {"/usr/bin/ldapmodify", "-a", "-x",   "-H", directory->url, "-D",
                                "cn=root,dc=test",     "-w", "root", "-f", "change",       NULL};

    write_file(directory, "change", ldif);
    return keeper_run(&directory->spec, argv) == 0;
}

/* --- people ------------------------------------------------------------------------------------------------------- */

static void encode(char *text, size_t size, const char *value)
{
    assert_non_null(
        sodium_bin2base64(text, size, (const uint8_t *)value, strlen(value), sodium_base64_VARIANT_ORIGINAL));
}

void directory_dn(char *dn, size_t size, const char *name)
{
    uint8_t digest[crypto_generichash_BYTES_MIN];
    char hex[17];
    char *to = dn;

    assert_true(size >= 64 + 3 * strlen(name));
    (void)crypto_generichash(digest, sizeof digest, (const uint8_t *)name, strlen(name), NULL, 0);
    to += sprintf(to, "cn=%s.", sodium_bin2hex(hex, sizeof hex, digest, 8));
    for (const char *from = name; *from && from < name + NAME_IN_DN; from++)
        to += sprintf(to, "\\%02x", (unsigned char)*from);
    (void)strcpy(to, ",ou=people,dc=test");
}

static void encode_dn(char *text, size_t size, const char *name)
{
    char dn[1024];

    directory_dn(dn, sizeof dn, name);
    encode(text, size, dn);
}

static bool change_person(struct directory *directory, const char *name, const char *rest)
{
    char dn[3000];
    char ldif[8192];

    encode_dn(dn, sizeof dn, name);
    assert_true(snprintf(ldif, sizeof ldif, "dn:: %s\n%s\n", dn, rest) < (int)sizeof ldif);
    return directory_change(directory, ldif);
}

void directory_change_person(struct directory *directory, const char *name, const char *format, ...)
{
    char rest[4096];
    va_list list;

    va_start(list, format);
    (void)vsnprintf(rest, sizeof rest, format, list);
    va_end(list);
    if (!change_person(directory, name, rest))
        fail_msg("%s: %s", name, rest);
}

bool directory_try_person(struct directory *directory, const char *name, const char *password)
{
    char uid[512];
    char secret[512];
    char rest[2048];

    encode(uid, sizeof uid, name);
    encode(secret, sizeof secret, password);
    (void)snprintf(rest, sizeof rest,
                   "objectClass: inetOrgPerson\nobjectClass: zmqUser\nsn: x\nuid:: %s\nuserPassword:: %s\n", uid,
                   secret);
    return change_person(directory, name, rest);
}

void directory_add_person(struct directory *directory, const char *name, const char *password)
{
    assert_true(directory_try_person(directory, name, password));
}

void directory_remove_person(struct directory *directory, const char *name)
{
    directory_change_person(directory, name, "changetype: delete\n");
}

void directory_set_password(struct directory *directory, const char *name, const char *password)
{
    char secret[512];

    encode(secret, sizeof secret, password);
    directory_change_person(directory, name, "changetype: modify\nreplace: userPassword\nuserPassword:: %s\n", secret);
}

void directory_set_key(struct directory *directory, const char *name, const char *key, bool add)
{
    char value[128];

    encode(value, sizeof value, key);
    directory_change_person(directory, name, "changetype: modify\n%s: zmqKey\nzmqKey:: %s\n", add ? "add" : "delete",
                            value);
}

void directory_set_member(struct directory *directory, const char *name, bool add)
{
    char dn[3000];
    char ldif[4096];

    encode_dn(dn, sizeof dn, name);
    (void)snprintf(ldif, sizeof ldif, "dn: " LDAP_TEST_GROUP "\nchangetype: modify\n%s: member\nmember:: %s\n",
                   add ? "add" : "delete", dn);
    assert_true(directory_change(directory, ldif));
}
