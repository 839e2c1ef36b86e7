/* SPDX-License-Identifier: ISC */
/* The terminal: the conversation, a status line, and the line that is being written. */
#include <curses.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "ironchat/command.h"
#include "ironchat/edit.h"
#include "ironchat/front.h"
#include "ironchat/scroll.h"

enum { ROWS_MAX = 512, CTRL = 0x1f };

static struct chat_scroll told;
static struct chat_edit edit;
static size_t skipped; /* rows that the user has scrolled back */
static char own_name[CHAT_NAME_SIZE];

static int screen_open(void)
{
    if (newterm(NULL, stdout, stdin) == NULL) {
        (void)fprintf(stderr, "ironchat: this terminal cannot be used; try --plain\n");
        return -1;
    }
    (void)raw();
    (void)noecho();
    (void)nonl();
    (void)keypad(stdscr, TRUE);
    (void)nodelay(stdscr, TRUE);
    (void)set_escdelay(50);
    return 0;
}

static void screen_note(const struct chat_note *note)
{
    if (note->kind == CHAT_NOTE_READY)
        (void)snprintf(own_name, sizeof own_name, "%s", note->who);
    chat_scroll_note(&told, note);
}

static void screen_past(int64_t when, const char *text)
{
    chat_scroll_add(&told, CHAT_NOTE_INFO, when, 0, text);
}

static int page(void)
{
    return LINES < 4 ? 1 : LINES - 3 < ROWS_MAX ? LINES - 3 : ROWS_MAX;
}

static void scroll_back(int rows)
{
    struct chat_row seen[ROWS_MAX];
    size_t wanted = rows < 0 && (size_t)-rows > skipped ? 0 : skipped + (size_t)rows;

    if (rows < 0 || chat_scroll_rows(&told, COLS, wanted, seen, (size_t)page()) == (size_t)page())
        skipped = wanted;
}

/* A command's name is completed if only one begins so. */
static void complete(void)
{
    const char *only = chat_command_complete(edit.text, 0);
    char text[32];

    if (edit.text[0] != '/' || only == NULL || chat_command_complete(edit.text, 1) != NULL)
        return;
    (void)snprintf(text, sizeof text, "%s ", only);
    chat_edit_set(&edit, text);
}

static void enter(struct chat *chat)
{
    char line[CHAT_TEXT_MAX + 1];

    memcpy(line, edit.text, edit.size + 1);
    chat_edit_done(&edit);
    skipped = 0;
    chat_line(chat, line);
}

static void function_key(wint_t key)
{
    switch (key) {
    case KEY_LEFT:
        chat_edit_left(&edit);
        break;
    case KEY_RIGHT:
        chat_edit_right(&edit);
        break;
    case KEY_HOME:
        chat_edit_home(&edit);
        break;
    case KEY_END:
        chat_edit_end(&edit);
        break;
    case KEY_BACKSPACE:
        chat_edit_backspace(&edit);
        break;
    case KEY_DC:
        chat_edit_delete(&edit);
        break;
    case KEY_UP:
        chat_edit_older(&edit);
        break;
    case KEY_DOWN:
        chat_edit_newer(&edit);
        break;
    case KEY_PPAGE:
        scroll_back(page());
        break;
    case KEY_NPAGE:
        scroll_back(-page());
        break;
    default:
        break;
    }
}

/* -1: the user leaves. */
static int character(struct chat *chat, wint_t key)
{
    switch (key) {
    case '\r':
    case '\n':
        enter(chat);
        break;
    case '\t':
        complete();
        break;
    case 'a' & CTRL:
        chat_edit_home(&edit);
        break;
    case 'e' & CTRL:
        chat_edit_end(&edit);
        break;
    case 'u' & CTRL:
        chat_edit_kill_line(&edit);
        break;
    case 'w' & CTRL:
        chat_edit_kill_word(&edit);
        break;
    case 'l' & CTRL:
        (void)clearok(stdscr, TRUE);
        break;
    case 0x08:
    case 0x7f:
        chat_edit_backspace(&edit);
        break;
    case 'c' & CTRL:
        return -1;
    case 'd' & CTRL:
        if (edit.size == 0)
            return -1;
        chat_edit_delete(&edit);
        break;
    default:
        chat_edit_insert(&edit, (int32_t)key);
        break;
    }
    return 0;
}

static int screen_input(struct chat *chat)
{
    char none[1];
    wint_t key;
    int kind, rc = 0, keys = 0;

    while (rc == 0 && (kind = get_wch(&key)) != ERR) {
        keys++;
        if (kind == KEY_CODE_YES)
            function_key(key);
        else
            rc = character(chat, key);
    }
    /* Readable, and no key is there: the terminal is gone. */
    if (keys == 0 && read(STDIN_FILENO, none, 0) < 0)
        rc = -1;
    return rc;
}

static void draw_row(int y, const struct chat_row *row)
{
    const struct chat_entry *entry = row->entry;
    time_t seconds = (time_t)entry->time;
    char stamp[8] = "";
    struct tm parts;
    bool loud = entry->kind == CHAT_NOTE_WARNING || entry->kind == CHAT_NOTE_ERROR ||
                entry->kind == CHAT_NOTE_STRANGER || entry->kind == CHAT_NOTE_FILE_FAILED;

    if (row->start == 0 && localtime_r(&seconds, &parts) != NULL && strftime(stamp, sizeof stamp, "%H:%M", &parts) > 0)
        (void)mvaddstr(y, 0, stamp);
    (void)attrset(loud ? A_BOLD : A_NORMAL);
    (void)mvaddnstr(y, CHAT_SCROLL_INDENT, entry->text + row->start, (int)row->length);
    (void)attrset(A_NORMAL);
}

static void draw_status(const struct chat *chat, int y)
{
    char text[512];
    int width;
    const char *target = chat_target(chat);

    (void)snprintf(text, sizeof text, " %s | to %s | %zu here%s%s | /help", own_name,
                   target[0] != '\0' ? target : "nobody", chat_count_here(chat),
                   chat_network_down(chat) ? " | no relay" : "", skipped > 0 ? " | scrolled back, PgDn" : "");
    (void)attrset(A_REVERSE);
    (void)mvhline(y, 0, ' ', COLS);
    (void)mvaddnstr(y, 0, text, (int)chat_text_fit(text, COLS, &width));
    (void)attrset(A_NORMAL);
}

static void draw_input(int y)
{
    size_t start;
    int column, width;

    chat_edit_view(&edit, COLS - 2, &start, &column);
    (void)mvaddstr(y, 0, "> ");
    (void)mvaddnstr(y, 2, edit.text + start, (int)chat_text_fit(edit.text + start, COLS - 3, &width));
    (void)move(y, column + 2);
}

static void screen_refresh(const struct chat *chat)
{
    struct chat_row rows[ROWS_MAX];
    size_t room = LINES > 2 ? (size_t)(LINES - 2) : 0;
    size_t count = chat_scroll_rows(&told, COLS, skipped, rows, room < ROWS_MAX ? room : ROWS_MAX);

    (void)erase();
    for (size_t i = 0; i < count; i++)
        draw_row((int)i, &rows[i]);
    if (LINES > 1)
        draw_status(chat, LINES - 2);
    if (COLS > 4)
        draw_input(LINES - 1);
    (void)refresh();
}

static void screen_resize(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
        (void)resizeterm(size.ws_row, size.ws_col);
    (void)clearok(stdscr, TRUE);
}

static void screen_close(void)
{
    (void)endwin();
    chat_scroll_fini(&told);
    chat_edit_fini(&edit);
}

const struct front front_screen = {
    .open = screen_open,
    .note = screen_note,
    .past = screen_past,
    .input = screen_input,
    .refresh = screen_refresh,
    .resize = screen_resize,
    .close = screen_close,
};
