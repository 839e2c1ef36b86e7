/* SPDX-License-Identifier: ISC */
/* What people should know about how a directory is asked. */
#include <errno.h>
#include <sys/stat.h>

#include "auth/backends/ldap.h"

static int count_entry(void *arg, LDAP *ld, LDAPMessage *entry)
{
    (void)ld;
    (void)entry;
    ++*(int *)arg;
    return 0;
}

/* Is there such an entry, for whom searches? */
static int look_for(struct auth_session *session, const char *dn, bool *found)
{
    char *none[] = {(char *)(uintptr_t)LDAP_NO_ATTRS, NULL};
    const struct auth_ldap_search search = {
        .base = dn, .scope = LDAP_SCOPE_BASE, .filter = "(objectClass=*)", .attributes = none, .limit = 1};
    int count = 0;
    int rc = auth_ldap_search(&session->search, &search, count_entry, &count);

    *found = count == 1;
    return rc;
}

static void inspect_settings(const struct auth_backend *backend, auth_tell_fn *tell, void *arg)
{
    struct stat status;

    if (backend->transport == AUTH_LDAP_TCP && !backend->starttls)
        tell(arg, "starttls is no: passwords and keys can be read and forged on the way");
    if (backend->password_file && stat(backend->password_file, &status) == 0 && status.st_mode & (S_IRWXG | S_IRWXO))
        tell(arg, "bind-password-file: others than its owner may open it");
}

int auth_ldap_inspect(struct auth_session *session, auth_tell_fn *tell, void *arg)
{
    const struct auth_backend *backend = session->backend;
    bool base = false;
    bool group = false;
    int rc;

    inspect_settings(backend, tell, arg);
    auth_ldap_link_start(&session->search);
    rc = look_for(session, backend->base, &base);
    if (!rc && !base)
        tell(arg, "base: there is no such entry, or who searches may not see it");
    if (!rc && backend->group) {
        rc = look_for(session, backend->group, &group);
        if (!rc && !group)
            tell(arg, "group: there is no such entry, or who searches may not see it");
    }
    return rc == -EMSGSIZE ? -EBADMSG : rc;
}
