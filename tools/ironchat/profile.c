/* SPDX-License-Identifier: ISC */
#include "ironchat/profile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int profile_complain(const char *format, ...)
{
    va_list arguments;

    (void)fputs("ironchat: ", stderr);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    return -1;
}

static void complain_of_contacts(void *arg, const char *file, int line, const char *what)
{
    (void)arg;
    if (line > 0)
        (void)profile_complain("%s:%d: %s", file, line, what);
    else
        (void)profile_complain("%s: %s", file, what);
}

void profile_path(const struct profile *profile, char path[PATH_MAX], const char *name)
{
    (void)snprintf(path, PATH_MAX, "%s/%s", profile->folder, name);
}

static int choose_folder(struct profile *profile, const char *folder)
{
    const char *home = getenv("HOME");
    int length;

    if (folder == NULL)
        folder = getenv("IRONCHAT_HOME");
    if (folder == NULL && home == NULL)
        return profile_complain("neither HOME nor IRONCHAT_HOME is set; use --home");
    if (folder != NULL)
        length = snprintf(profile->folder, sizeof profile->folder, "%s", folder);
    else
        length = snprintf(profile->folder, sizeof profile->folder, "%s/.ironchat", home);
    if (length >= (int)sizeof profile->folder)
        return profile_complain("the folder's name is too long");
    return 0;
}

static int read_card(struct profile *profile)
{
    const char *name = curve_cert_meta(profile->cert, "name"), *relay = curve_cert_meta(profile->cert, "relay"),
               *hop = curve_cert_meta(profile->cert, "hop-key");
    struct chat_card *card = &profile->card;

    if (curve_cert_secret_key(profile->cert) == NULL || name == NULL || !chat_name_valid(name))
        return profile_complain("%s/key_secret: no secret key with a name", profile->folder);
    if ((relay != NULL && !chat_relay_valid(relay)) || (hop != NULL && chat_key_parse(card->hop, hop) < 0))
        return profile_complain("%s/key_secret: the relay or its key is malformed", profile->folder);
    (void)snprintf(card->name, sizeof card->name, "%s", name);
    (void)snprintf(card->relay, sizeof card->relay, "%s", relay != NULL ? relay : "");
    memcpy(card->key, curve_cert_public_key(profile->cert), CHAT_KEY_SIZE);
    card->has_hop = hop != NULL;
    return 0;
}

int profile_open(struct profile *profile, const char *folder)
{
    char path[PATH_MAX];

    memset(profile, 0, sizeof *profile);
    if (choose_folder(profile, folder) < 0)
        return -1;
    profile_path(profile, path, "contacts");
    (void)chat_contacts_load(&profile->contacts, path, complain_of_contacts, NULL);
    if (profile->contacts.broken)
        (void)profile_complain("contacts with errors are left out, and the file is left as it is");
    profile_path(profile, path, "key");
    profile->cert = curve_cert_load(path);
    if (profile->cert == NULL)
        return errno == ENOENT ? 0 : profile_complain("%s: %s", path, strerror(errno));
    if (curve_cert_exposed(profile->cert))
        (void)profile_complain("%s_secret can be read by others: chmod 600 it, or better, make new keys", path);
    return read_card(profile);
}

static int save_cert(struct profile *profile)
{
    char path[PATH_MAX];

    profile_path(profile, path, "key");
    if (curve_cert_save(profile->cert, path) < 0)
        return profile_complain("%s: %s", path, strerror(errno));
    return read_card(profile);
}

int profile_create(struct profile *profile, const char *name)
{
    if (profile->cert != NULL)
        return profile_complain("%s has keys already, of %s", profile->folder, profile->card.name);
    if (!chat_name_valid(name))
        return profile_complain("a name is one word of at most %d characters without # / @ , : \"", CHAT_NAME_CHARS);
    if (mkdir(profile->folder, 0700) < 0 && errno != EEXIST)
        return profile_complain("%s: %s", profile->folder, strerror(errno));
    profile->cert = curve_cert_new();
    if (profile->cert == NULL || curve_cert_set_meta(profile->cert, "name", name) < 0)
        return profile_complain("no keys: %s", strerror(errno));
    return save_cert(profile);
}

static int need_keys(const struct profile *profile)
{
    if (profile->cert == NULL)
        return profile_complain("no keys in %s yet: ironchat keys new NAME", profile->folder);
    return 0;
}

int profile_set_relay(struct profile *profile, const char *relay)
{
    char endpoint[CHAT_RELAY_SIZE];
    const char *hop = strchr(relay, ',');
    uint8_t key[CHAT_KEY_SIZE];
    int length = hop != NULL ? (int)(hop - relay) : (int)strlen(relay);

    if (need_keys(profile) < 0)
        return -1;
    hop = hop != NULL ? hop + 1 : NULL;
    if (snprintf(endpoint, sizeof endpoint, "%.*s", length, relay) >= (int)sizeof endpoint ||
        !chat_relay_valid(endpoint) || (hop != NULL && chat_key_parse(key, hop) < 0))
        return profile_complain("%s: a relay is written ENDPOINT or ENDPOINT,KEY", relay);
    if (curve_cert_set_meta(profile->cert, "relay", endpoint) < 0 ||
        curve_cert_set_meta(profile->cert, "hop-key", hop) < 0)
        return profile_complain("%s: %s", relay, strerror(errno));
    return save_cert(profile);
}

static int take_relay(struct profile *profile, const struct chat_card *card)
{
    char relay[CHAT_RELAY_SIZE + CHAT_KEY_TEXT] = "", hop[CHAT_KEY_TEXT];

    if (profile->card.relay[0] != '\0' || card->relay[0] == '\0')
        return 0;
    if (card->has_hop)
        chat_key_write(hop, card->hop);
    (void)snprintf(relay, sizeof relay, "%s%s%s", card->relay, card->has_hop ? "," : "", card->has_hop ? hop : "");
    return profile_set_relay(profile, relay);
}

int profile_save_contacts(struct profile *profile)
{
    int rc = chat_contacts_save(&profile->contacts);

    if (rc == 0)
        return 0;
    return profile_complain("%s: %s", profile->contacts.path,
                            rc == -EPERM    ? "it has errors, and is left as it is"
                            : rc == -ESTALE ? "somebody else has changed it just now; try again"
                                            : strerror(-rc));
}

int profile_add(struct profile *profile, const char *text)
{
    struct chat_card card;
    int rc = chat_card_parse(&card, text);

    if (rc < 0)
        return profile_complain("%s", rc == -EBADMSG ? "the contact string is damaged: copy it again, all of it"
                                      : rc == -EPROTONOSUPPORT ? "the contact string needs a newer ironchat"
                                                               : "that is no contact string");
    if (need_keys(profile) < 0)
        return -1;
    if (memcmp(card.key, profile->card.key, CHAT_KEY_SIZE) == 0)
        return profile_complain("that is your own contact string");
    rc = chat_contacts_add(&profile->contacts, card.name, card.key, false);
    if (rc < 0)
        return profile_complain("%s: %s", card.name,
                                rc == -EEXIST ? "there is a contact with this name or key" : strerror(-rc));
    return profile_save_contacts(profile) < 0 ? -1 : take_relay(profile, &card);
}

void profile_close(struct profile *profile)
{
    curve_cert_destroy(&profile->cert);
    chat_contacts_fini(&profile->contacts);
}
