/* SPDX-License-Identifier: ISC */
#include "auth/mailbox.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int auth_mailbox_init(struct auth_mailbox *mailbox)
{
    int rc;

    mailbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (mailbox->fd < 0)
        return -errno;
    rc = pthread_mutex_init(&mailbox->lock, NULL);
    if (rc)
        (void)close(mailbox->fd);
    auth_list_init(&mailbox->mails);
    return -rc;
}

void auth_mailbox_fini(struct auth_mailbox *mailbox)
{
    (void)pthread_mutex_destroy(&mailbox->lock);
    (void)close(mailbox->fd);
}

void auth_mail_init(struct auth_mail *mail, void (*deliver)(struct ironauth *auth, struct auth_mail *mail))
{
    auth_list_init(&mail->link);
    mail->posted = false;
    mail->deliver = deliver;
}

void auth_mailbox_post(struct auth_mailbox *mailbox, struct auth_mail *mail)
{
    uint64_t one = 1;

    (void)pthread_mutex_lock(&mailbox->lock);
    if (!mail->posted) {
        mail->posted = true;
        auth_list_insert(&mailbox->mails, &mail->link);
        /* It can fail only where the counter is full, and then the descriptor is readable anyhow. */
        while (write(mailbox->fd, &one, sizeof(one)) < 0 && errno == EINTR)
            continue;
    }
    (void)pthread_mutex_unlock(&mailbox->lock);
}

struct auth_mail *auth_mailbox_take(struct auth_mailbox *mailbox)
{
    struct auth_link *link;
    struct auth_mail *mail = NULL;
    uint64_t count;

    (void)pthread_mutex_lock(&mailbox->lock);
    link = auth_list_take(&mailbox->mails);
    if (link) {
        mail = AUTH_LIST_OF(link, struct auth_mail, link);
        mail->posted = false;
    } else {
        while (read(mailbox->fd, &count, sizeof(count)) < 0 && errno == EINTR)
            continue;
    }
    (void)pthread_mutex_unlock(&mailbox->lock);
    return mail;
}
