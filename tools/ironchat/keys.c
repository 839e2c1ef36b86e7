/* SPDX-License-Identifier: ISC */
/* ironchat keys: keys and contacts, outside of a chat. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ironchat/front.h"
#include "ironchat/profile.h"

/* One action. Constant. */
struct action {
    const char *name;
    int arguments; /* -1: any number from 1 on */
    int (*run)(struct profile *profile, char **words);
};

static const char help_text[] = "Usage: ironchat keys [--home DIR] ACTION\n"
                                "\n"
                                "  new NAME               make your keys\n"
                                "  relay ENDPOINT[,KEY]   set your relay\n"
                                "  show                   print your contact string, to be given to others\n"
                                "  add CONTACT...         add others by their contact strings\n"
                                "  list                   print your contacts and their safety numbers\n"
                                "  verify NAME            mark a contact whose safety number you compared\n"
                                "  remove NAME            remove a contact\n";

static int need(const struct profile *profile)
{
    return profile->cert != NULL ? 0 : profile_complain("no keys in %s yet: ironchat keys new NAME", profile->folder);
}

static int show(struct profile *profile, char **words)
{
    char text[CHAT_CARD_SIZE];

    (void)words;
    if (need(profile) < 0)
        return -1;
    chat_card_write(text, &profile->card);
    (void)printf("%s\n", text);
    return 0;
}

static int new_keys(struct profile *profile, char **words)
{
    return profile_create(profile, words[0]) < 0 ? -1 : show(profile, words);
}

static int relay(struct profile *profile, char **words)
{
    return profile_set_relay(profile, words[0]);
}

static int add(struct profile *profile, char **words)
{
    for (; *words != NULL; words++) {
        if (profile_add(profile, *words) < 0)
            return -1;
    }
    return 0;
}

static int list(struct profile *profile, char **words)
{
    (void)words;
    if (need(profile) < 0)
        return -1;
    for (size_t i = 0; i < profile->contacts.count; i++) {
        const struct chat_contact *contact = &profile->contacts.list[i];
        char number[CHAT_SAFETY_SIZE];

        chat_safety_number(number, profile->card.key, contact->key);
        (void)printf("%s\t%s\t%s\n", contact->name, contact->verified ? "verified" : "unverified", number);
    }
    return 0;
}

static struct chat_contact *find(struct profile *profile, const char *name)
{
    struct chat_contact *contact = chat_contacts_named(&profile->contacts, name);

    if (contact == NULL)
        (void)profile_complain("%s is no contact", name);
    return contact;
}

static int verify(struct profile *profile, char **words)
{
    struct chat_contact *contact = find(profile, words[0]);

    if (contact == NULL)
        return -1;
    contact->verified = true;
    return profile_save_contacts(profile);
}

static int drop(struct profile *profile, char **words)
{
    if (find(profile, words[0]) == NULL)
        return -1;
    chat_contacts_remove(&profile->contacts, words[0]);
    return profile_save_contacts(profile);
}

static const struct action actions[] = {
    {"new", 1, new_keys}, {"relay", 1, relay},   {"show", 0, show},   {"add", -1, add},
    {"list", 0, list},    {"verify", 1, verify}, {"remove", 1, drop},
};

static int act(struct profile *profile, int argc, char **argv)
{
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        const struct action *action = &actions[i];

        if (strcmp(argv[0], action->name) == 0 &&
            (action->arguments == argc - 1 || (action->arguments < 0 && argc > 1)))
            return action->run(profile, argv + 1) < 0 ? 1 : 0;
    }
    (void)fputs(help_text, stderr);
    return 2;
}

int command_keys(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"home", required_argument, NULL, 'H'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *home = NULL;
    struct profile profile;
    int option, status;

    while ((option = getopt_long(argc, argv, "+H:h", long_options, NULL)) != -1) {
        if (option == 'h')
            (void)fputs(help_text, stdout);
        if (option != 'H')
            return option == 'h' ? 0 : 2;
        home = optarg;
    }
    if (optind == argc) {
        (void)fputs(help_text, stderr);
        return 2;
    }
    status = profile_open(&profile, home) < 0 ? 1 : act(&profile, argc - optind, argv + optind);
    profile_close(&profile);
    return status;
}
